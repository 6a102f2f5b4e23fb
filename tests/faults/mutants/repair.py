"""Faults in the repairs and their undo."""

from tests.faults.mutants.breaking import (
    change,
    change_keyword,
    drop_argument,
    drop_call,
    drop_link,
    drop_operand,
    instead,
    negate,
    never,
)
from tests.faults.mutants.mutant import AUTO_FIX, KILLED, KINDS, Mutant

_KINDS = "tests/sync/kinds"
LATEST = "tests/sync/test_latest.py"
ROSTER = "tests/importing/roster/test_roster.py"

MUTANTS = (
    Mutant(
        "a repair fills a course beyond its seats",
        "let_in",
        change("newcomer.has_seat", "True"),
        ("tests/ledger/test_access.py", f"{_KINDS}/test_payments.py", KINDS),
    ),
    Mutant(
        "every lost reason is an import",
        "_inferred",
        never("open_to_all"),
        (f"{_KINDS}/test_access.py", KINDS),
    ),
    Mutant(
        "who paid and finds no seat is not shown",
        "_undeliverable",
        drop_call("needs_attention"),
        (f"{_KINDS}/test_payments.py", KINDS),
    ),
    Mutant(
        "who paid and finds no seat counts as served",
        "_undeliverable",
        drop_call("mark_undeliverable"),
        (f"{_KINDS}/test_payments.py", KINDS),
    ),
    Mutant(
        "a purchase is enrolled without its reason",
        "lms.sync.kinds.payments:_deliver",
        change("'payment'", "'import'"),
        (f"{_KINDS}/test_payments.py", KINDS),
    ),
    Mutant(
        "what a lost payment had given stays",
        "lms.sync.kinds.payments:_end",
        drop_call("end_access"),
        (f"{_KINDS}/test_payments.py", KINDS),
    ),
    Mutant(
        "a default is granted without its reason",
        "_grant_defaults",
        change("'default'", "'import'"),
        (f"{_KINDS}/test_access.py", KINDS),
    ),
    Mutant(
        "an invalid reason takes the access along",
        "_drop_sources",
        change("left & _waived(...)", "left"),
        (f"{_KINDS}/test_access.py", KINDS),
    ),
    Mutant(
        "access that was waived is kept",
        "_drop_sources",
        (drop_call("end_access"), change("left - waived", "left")),
        (f"{_KINDS}/test_access.py", KINDS),
    ),
    Mutant(
        "access that an admin ended is inferred from its payment",
        "_inferred",
        drop_argument("Payment.access_ended_at"),
        (f"{_KINDS}/test_access.py", KINDS),
    ),
    Mutant(
        "of two enrollments the later date stays",
        "_merge_enrollments",
        change("func.min(other.enrolled_at)", "func.max(other.enrolled_at)"),
        (f"{_KINDS}/test_pairs.py", KINDS),
    ),
    Mutant(
        "of two mirrors the earlier activity stays",
        "_merge_mirrors",
        change("func.max", "func.min"),
        (f"{_KINDS}/test_pairs.py", KINDS),
    ),
    Mutant(
        "of two rows the younger stays",
        "_keep_first",
        (
            change("kept", "step.ids", "rewrite"),
            instead(
                "step.run(table_of(step.model).delete().where(row_id.in_(kept)))", "delete_rows"
            ),
        ),
        (f"{_KINDS}/test_pairs.py", KINDS),
    ),
    Mutant(
        "a payment for what is gone forgets what it was",
        "clear_references",
        change("'Unknown course'", "''"),
        (f"{_KINDS}/test_references.py", KINDS),
    ),
    Mutant(
        "a missing mirror begins at 0",
        "_adding_mirrors",
        change("~has_mirror", "~has_mirror & (Enrollment.progress > 0)"),
        (KINDS,),
    ),
    Mutant(
        "the mirror does not follow",
        "_rebuilding_mirrors",
        change_keyword("total_progress", "StudentProgress.total_progress"),
        (KINDS,),
    ),
    Mutant(
        "an unfinished course stays dated by its repair",
        "_recomputing",
        change_keyword("else_", "Enrollment.completed_at"),
        (KINDS,),
    ),
    Mutant(
        "a decision found in the queue is thrown away",
        "_clear",
        drop_call("_record"),
        (f"{_KINDS}/test_requests.py", KINDS),
    ),
    Mutant(
        "who waits for a seat loses the request",
        "_approve",
        change("rows", "step.found", "_delete"),
        (f"{_KINDS}/test_requests.py", KINDS),
    ),
    Mutant(
        "an unknown status is changed without a word",
        "_normalize",
        negate("row.expected", "lower"),
        (f"{_KINDS}/test_statuses.py", KINDS),
    ),
    Mutant(
        "what a repair changed is not written down",
        "repair_rows",
        drop_call("write_down"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "a repair is not in the trail",
        "repair_rows",
        drop_call("_record"),
        (f"{_KINDS}/test_payments.py", AUTO_FIX),
    ),
    Mutant(
        "what a repair has changed along is not written down",
        "_snapshots",
        change("check.also", "check.also[:1]"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "a repair counts before it is made",
        "repair_rows",
        change("found", "keys", "count_fixed"),
        (AUTO_FIX, KINDS, KILLED),
    ),
    Mutant(
        "two runs repair at once",
        "begin_run",
        change_keyword("status", "'finished'"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "a dead run stands in the way for good",
        "_end_dead_runs",
        never("is_felt"),
        (AUTO_FIX, KINDS, KILLED),
    ),
    Mutant(
        "a dead validation stands in the way for good",
        "lms.sync.reports:begin",
        never("is_felt"),
        (LATEST,),
    ),
    Mutant(
        "who comes too late validates once more",
        "lms.sync.reports:begin",
        never("since"),
        (LATEST,),
    ),
    Mutant(
        "an answer comes from a validation that began before the question",
        "validate_anew",
        change("found.number > since", "True"),
        (LATEST,),
    ),
    Mutant(
        "an old report passes for one of now",
        "_doubts",
        never("is_overdue"),
        (LATEST,),
    ),
    Mutant(
        "a busy school is validated all the time",
        "_due_at",
        change("_REST", "timedelta()"),
        (LATEST,),
    ),
    Mutant(
        "an interval has as many runs as workers",
        "begin_run",
        change_keyword("slot", "None"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "undo overwrites what has changed since",
        "undo_changes",
        drop_operand("_changed_since"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "undo begins with the first change",
        "undo_changes",
        drop_link("desc"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "undo drops rows that it does not know",
        "_undo_unit",
        never("_surroundings"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "undo takes a later access for a left-over",
        "_left_over",
        drop_operand("granted_at"),
        (ROSTER,),
    ),
    Mutant(
        "what was undone is repaired again at once",
        "undo_changes",
        drop_call("_leave_alone"),
        (AUTO_FIX, KINDS),
    ),
    Mutant(
        "undo takes decisions back",
        "_KEPT_FOR_GOOD",
        change("{'decisions'}", "set()"),
        (AUTO_FIX, KINDS),
    ),
)
