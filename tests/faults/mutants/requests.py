"""Faults in access and requests."""

from tests.faults.mutants.breaking import (
    begin_with,
    change,
    change_argument,
    change_keyword,
    compare,
    drop_argument,
    drop_call,
    drop_if,
    drop_operand,
    never,
)
from tests.faults.mutants.mutant import (
    ACCESS,
    DEFAULTS,
    HISTORIES,
    MACHINE,
    RACES,
    REQUESTS,
    Mutant,
)

MUTANTS = (
    Mutant(
        "a hidden course is joined",
        "enroll_directly",
        drop_if("is_visible"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "a course with a price is joined for nothing",
        "enroll_directly",
        compare("<", "price_cents"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "a course that is not public is joined",
        "enroll_directly",
        never("is_public"),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "joining again is joining anew",
        "enroll_directly",
        change_keyword("is_new", "True"),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "enrolling in everybody's course leaves the waiver",
        "admit",
        drop_call("_reinstate"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "unenrolling from everybody's course is not remembered",
        "end",
        change("course.is_default_unlocked", "course.is_public"),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "unenrolling hides the money that was kept",
        "end",
        drop_call("access_ended"),
        ACCESS,
    ),
    Mutant(
        "a disputed payment that is won brings back what an admin has ended",
        "access_ended",
        change_keyword("access_ended_at", "None", "'disputed'"),
        (*ACCESS, "tests/payments/test_inbox.py"),
    ),
    Mutant(
        "seats are not counted",
        "let_in",
        drop_if("left_out"),
        (*ACCESS, RACES, MACHINE),
    ),
    Mutant(
        "one seat too many is given",
        "_seated",
        change("seated[course] < seats", "seated[course] <= seats"),
        (*ACCESS, RACES, MACHINE),
    ),
    Mutant(
        "a superseded request leaves no trace",
        "let_in",
        change("_supersede_requests(...)", "{}"),
        (*ACCESS, REQUESTS),
    ),
    Mutant(
        "access is granted without a trace",
        "let_in",
        drop_call("_record_grants"),
        (*ACCESS, RACES),
    ),
    Mutant(
        "a refund of one purchase takes the other",
        "lms.ledger.sources:_taking",
        (
            change("tuple_(*_SOURCE)", "tuple_(*_SOURCE[:3])"),
            change("Source._fields", "Source._fields[:3]"),
        ),
        ACCESS,
    ),
    Mutant(
        "enrolling again begins at 0",
        "_enrolling",
        change("share_completed(...)", "literal(0)"),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "what was completed before is not dated",
        "_enrolling",
        change("share == 100", "share == 101"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "what was completed before is completed on the day of enrolling",
        "_enrolling",
        change("func.coalesce(new.c.completed_at, last, enrolled_at)", "enrolled_at"),
        (*ACCESS, MACHINE),
    ),
    Mutant(
        "the default is not given back",
        "_reinstate",
        change("course.is_default_unlocked", "course.is_public"),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "any payment in review gives access again",
        "access_restored",
        drop_operand("access_ended_at"),
        ACCESS,
    ),
    Mutant(
        "unenrolling one unenrolls all",
        "ledger.access:_ending",
        change(
            "of_pairs(...)",
            "Enrollment.id > 0",
        ),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "unenrolling forgets what was completed",
        "_end",
        begin_with(
            "from lms.models import ChapterCompletion\n"
            "students = [student for student, _ in ending]\n"
            "session.execute(\n"
            "    delete(ChapterCompletion).where(ChapterCompletion.student_id.in_(students))\n"
            ")\n",
            "_ending()",
        ),
        (*ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "the end of access is told as something else",
        "_end",
        change("'access.ended'", "'access.changed'"),
        ACCESS,
    ),
    Mutant(
        "the student's pages do not hear of the access",
        "_refresh",
        change_keyword("students", "()"),
        (*ACCESS, DEFAULTS),
    ),
    Mutant(
        "an enrollment is looked for outside the transaction",
        "is_enrolled",
        (change_argument("session", "db.session()"), begin_with("from lms.db import db")),
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "an admin enrolls without holding the seats",
        "enroll",
        (
            change("lock_course(...)", "session.get_one(Course, course_id)"),
            drop_call("lock_learner"),
        ),
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "who is enrolled asks again",
        "request_access",
        never("is_enrolled"),
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "a hidden course is requested",
        "request_access",
        never("is_visible"),
        (REQUESTS, MACHINE),
    ),
    Mutant(
        "a request leaves no trace",
        "request_access",
        change("'request.made'", "'request.sent'"),
        (REQUESTS, RACES),
    ),
    Mutant(
        "anybody cancels a request",
        "_cancelling",
        drop_argument("AccessRequest.student_id"),
        (REQUESTS,),
    ),
    Mutant(
        "a stranger learns what was decided",
        "_refuse_if_decided",
        change("Decision.student_id == student_id", "Decision.student_id > 0"),
        (REQUESTS,),
    ),
    Mutant(
        "an approval lets nobody in",
        "carry_out",
        drop_call("let_in"),
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "an approval forgets its decision",
        "carry_out",
        change_argument("decision_id", "0", "Source"),
        (REQUESTS, MACHINE),
    ),
    Mutant(
        "a rejection is written down as an approval",
        "reject",
        change("'rejected'", "'approved'", "decide"),
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "the reason of a decision is lost",
        "ledger.requests:decide",
        change_keyword("reason", "''", "_deciding"),
        (REQUESTS,),
    ),
    Mutant(
        "one full course stops all decisions",
        "decide_many",
        change("CourseFull", "RequestPending"),
        (REQUESTS,),
    ),
    Mutant(
        "a row that was decided elsewhere is decided again",
        "_taking",
        drop_argument("is_pending"),
        (REQUESTS,),
    ),
    Mutant(
        "a decision does not hold the pair",
        "enrollment.requests:_lock_pair",
        (
            change("lock_course(...)", "session.get_one(Course, pair.course_id)"),
            change("lock_student(...)", "session.get_one(User, pair.student_id)"),
        ),
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "the queue stays on the admins' pages",
        "ledger.requests:decide",
        drop_argument("'requests'"),
        (REQUESTS,),
    ),
)
