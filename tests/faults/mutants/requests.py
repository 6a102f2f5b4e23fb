"""Faults in access and requests."""

from tests.faults.mutants.mutant import (
    ACCESS,
    DEFAULTS,
    HISTORIES,
    MACHINE,
    RACES,
    REQUESTS,
    Mutant,
)

_ACCESS = "lms/enrollment/access.py"
_REQUESTS = "lms/enrollment/requests.py"

MUTANTS = (
    Mutant(
        "a hidden course is joined",
        _ACCESS,
        "        if not course.is_visible:\n            raise CourseNotFound\n",
        "",
        (ACCESS, MACHINE),
    ),
    Mutant(
        "a course with a price is joined for nothing",
        _ACCESS,
        "        if course.price_cents > 0:",
        "        if course.price_cents < 0:",
        (ACCESS, MACHINE),
    ),
    Mutant(
        "a course that is not public is joined",
        _ACCESS,
        "        if not course.is_public:",
        "        if course.is_public is None:",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "joining again is joining anew",
        _ACCESS,
        "    return _result(session, student_id, course_id, is_new=enrollment is None)",
        "    return _result(session, student_id, course_id, is_new=True)",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "enrolling in everybody's course leaves the waiver",
        _ACCESS,
        "    if is_new:\n        _reinstate(session, course, student_id, by=by)\n",
        "    if is_new:\n",
        (ACCESS, MACHINE),
    ),
    Mutant(
        "unenrolling from everybody's course is not remembered",
        _ACCESS,
        "    if course.is_default_unlocked:\n        # Without it",
        "    if course.is_public:\n        # Without it",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "unenrolling hides the money that was kept",
        _ACCESS,
        "    _send_payments_to_review(session, student_id, course.id)\n    _end(",
        "    _end(",
        (ACCESS,),
    ),
    Mutant(
        "a disputed payment that is won brings back what an admin has ended",
        _ACCESS,
        "        .values(access_ended_at=now())\n    )\n    if sent:",
        "        .values(access_ended_at=None)\n    )\n    if sent:",
        (ACCESS, "tests/payments/test_inbox.py"),
    ),
    Mutant(
        "seats are not counted",
        _ACCESS,
        "        _take_seat(session, course)\n",
        "",
        (ACCESS, RACES, MACHINE),
    ),
    Mutant(
        "one seat too many is given",
        _ACCESS,
        "    if (taken or 0) >= course.capacity:",
        "    if (taken or 0) > course.capacity:",
        (ACCESS, RACES, MACHINE),
    ),
    Mutant(
        "a superseded request leaves no trace",
        _ACCESS,
        "        _supersede_request(session, student_id, course.id, by=by)\n",
        "",
        (ACCESS, REQUESTS),
    ),
    Mutant(
        "access is granted without a trace",
        _ACCESS,
        "    if granted is not None:\n        record(",
        "    if granted is None:\n        record(",
        (ACCESS, RACES),
    ),
    Mutant(
        "a refund of one purchase takes the other",
        _ACCESS,
        "            AccessSource.kind == kind,\n"
        "            AccessSource.reference == reference,\n"
        "        )\n        .returning",
        "            AccessSource.kind == kind,\n        )\n        .returning",
        (ACCESS,),
    ),
    Mutant(
        "enrolling again begins at 0",
        _ACCESS,
        "progress=select(share_completed(student_id, course_id)).scalar_subquery(),",
        "progress=0,",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "what was completed before is not dated",
        _ACCESS,
        "    if progress == 100:",
        "    if progress == 101:",
        (ACCESS, MACHINE),
    ),
    Mutant(
        "the default is not given back",
        _ACCESS,
        "    if waived is not None and course.is_default_unlocked:",
        "    if waived is None and course.is_default_unlocked:",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "any payment in review gives access again",
        _ACCESS,
        '            Payment.status == "needs_review",\n'
        "            Payment.access_ended_at.is_not(None),\n",
        '            Payment.status == "needs_review",\n',
        (ACCESS,),
    ),
    Mutant(
        "unenrolling one unenrolls all",
        _ACCESS,
        "            Enrollment.user_id == student_id, Enrollment.course_id == course.id\n"
        '        )\n    )\n    record(\n        session,\n        "access.ended",',
        "            Enrollment.course_id == course.id\n"
        '        )\n    )\n    record(\n        session,\n        "access.ended",',
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "unenrolling forgets what was completed",
        _ACCESS,
        "    # The mirror and the sources go along by their foreign keys.\n",
        "    from lms.models import ChapterCompletion\n"
        "    session.execute(\n"
        "        delete(ChapterCompletion).where(ChapterCompletion.student_id == student_id)\n"
        "    )\n",
        (ACCESS, MACHINE, HISTORIES),
    ),
    Mutant(
        "the end of an access is told as something else",
        _ACCESS,
        '        "access.ended",',
        '        "access.changed",',
        (ACCESS,),
    ),
    Mutant(
        "the student's pages do not hear of the access",
        _ACCESS,
        '    touch(session, "access", students=[student_id])',
        '    touch(session, "access")',
        (ACCESS, DEFAULTS),
    ),
    Mutant(
        "an enrollment is looked for outside the transaction",
        _ACCESS,
        "    return session.scalar(\n        select(Enrollment.id).where(",
        "    from lms.db import db\n"
        "    return db.session.scalar(\n        select(Enrollment.id).where(",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "an admin enrolls without holding the seats",
        _ACCESS,
        "    course = lock_course_for_seats(session, course_id)\n"
        "    lock_student(session, student_id)\n"
        "    is_new = admit(",
        "    course = session.get_one(Course, course_id)\n    is_new = admit(",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "who is enrolled asks again",
        _REQUESTS,
        "    if _is_enrolled(session, student_id, course_id):",
        "    if not student_id:",
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "a hidden course is requested",
        _REQUESTS,
        "    if not course.is_visible:",
        "    if course.status is None:",
        (REQUESTS, MACHINE),
    ),
    Mutant(
        "a request leaves no trace",
        _REQUESTS,
        '        "request.made",',
        '        "request.sent",',
        (REQUESTS, RACES),
    ),
    Mutant(
        "anybody cancels a request",
        _REQUESTS,
        "            AccessRequest.student_id == by,\n",
        "",
        (REQUESTS,),
    ),
    Mutant(
        "a stranger learns what was decided",
        _REQUESTS,
        "        found = found.where(Decision.student_id == student_id)",
        "        found = found.where(Decision.student_id > 0)",
        (REQUESTS,),
    ),
    Mutant(
        "an approval lets nobody in",
        _REQUESTS,
        "    grant(\n        session,\n        course,\n        request.student_id,\n"
        '        "approval",\n        by=by,\n        reference=decision_id,\n'
        "        reason=reason,\n    )\n",
        "",
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "an approval forgets its decision",
        _REQUESTS,
        "        reference=decision_id,",
        "        reference=0,",
        (REQUESTS, MACHINE),
    ),
    Mutant(
        "a rejection is written down as an approval",
        _REQUESTS,
        '    decision_id = _decide(session, request, course, "rejected", by=by, reason=reason)',
        '    decision_id = _decide(session, request, course, "approved", by=by, reason=reason)',
        (REQUESTS, MACHINE, HISTORIES),
    ),
    Mutant(
        "the reason of a decision is lost",
        _REQUESTS,
        "        reason=reason,\n        requested_at=",
        '        reason="",\n        requested_at=',
        (REQUESTS,),
    ),
    Mutant(
        "one full course stops all decisions",
        _REQUESTS,
        "        except CourseFull:",
        "        except RequestPending:",
        (REQUESTS,),
    ),
    Mutant(
        "a row that was decided elsewhere is decided again",
        _REQUESTS,
        '        .where(AccessRequest.id == request_id, AccessRequest.status == "pending")',
        "        .where(AccessRequest.id == request_id)",
        (REQUESTS,),
    ),
    Mutant(
        "a decision does not hold the pair",
        _REQUESTS,
        "    course = lock_course_for_seats(session, pair.course_id)\n"
        "    lock_student(session, pair.student_id)\n",
        "    course = session.get_one(Course, pair.course_id)\n",
        (RACES, HISTORIES),
        engine="postgresql",
    ),
    Mutant(
        "the queue stays on the admins' pages",
        _REQUESTS,
        '    touch(session, "requests", students=[student.id])',
        "    touch(session, students=[student.id])",
        (REQUESTS,),
    ),
)
