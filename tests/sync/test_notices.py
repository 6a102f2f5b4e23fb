"""Repairs tell those whom they let in at last, and nobody else."""

import pytest

from lms import sync
from tests.conftest import Sql
from tests.sync.conftest import Injure
from tests.sync.injections import repairable
from tests.sync.school import School

TOLD = "SELECT user_id, kind FROM notices WHERE key NOT LIKE 'orphan-%' ORDER BY id"
OWED = {
    "approved_not_enrolled": [("bob", "approved")],
    "paid_not_enrolled": [("bob", "paid")],
    "payment_behind_stripe": [
        ("bob", "paid"),
        ("ada", "refunded"),
        ("ada", "payment_disputed"),
    ],
}


@pytest.mark.parametrize("kind", OWED)
def test_who_is_let_in_at_last_is_told_once_and_of_the_undoing(
    school: School, injure: Injure, sql: Sql, kind: str
) -> None:
    before = [tuple(row) for row in sql(TOLD)]
    injure(school, kind)
    result = sync.auto_fix(by=school.grace)
    sync.auto_fix(by=school.grace)
    told = [tuple(row) for row in sql(TOLD)]
    assert told == [*before, *((getattr(school, who), what) for who, what in OWED[kind])]
    sync.undo(result.run_id, by=school.grace)
    sync.undo(result.run_id, by=school.grace)
    assert [tuple(row) for row in sql(TOLD)] == [*told, (school.bob, "unenrolled")]


def test_no_other_repair_tells_anybody(school: School, injure: Injure, sql: Sql) -> None:
    owed = {
        *OWED,
        "decided_not_cleared",  # owed too, where another kind takes the enrollment
        *("paid_without_course", "payment_contradicts_itself"),  # money never moves in silence
        *("offer_past_end", "offer_without_seat"),  # nor is a promise broken in silence
    }
    injure(school, *reversed([kind for kind in repairable() if kind not in owed]))
    before = [tuple(row) for row in sql(TOLD)]
    assert sync.auto_fix(by=None).total > 0
    assert [tuple(row) for row in sql(TOLD)] == before


def test_a_repair_to_100_percent_brings_the_certificate(
    school: School, injure: Injure, sql: Sql
) -> None:
    injure(
        school,
        lambda damage, s: (
            damage.run(
                "INSERT INTO chapter_completions (student_id, chapter_id, completed_at)"
                " SELECT ?, id, '2026-01-02 03:04:05.000000' FROM chapters WHERE course_id = ?",
                *(s.bob, s.welcome),
            )
            and None
        ),
    )
    fixed = sync.auto_fix(by=None).fixed
    assert (fixed["progress_drift"], fixed["missing_certificate"]) == (1, 0)
    [row] = sql("SELECT user_id, course_id, completed_at FROM certificates")
    assert tuple(row[:2]) == (school.bob, school.welcome)
    assert str(row.completed_at).startswith("2026-01-02")
