"""Enrollments and their progress rows: doubled, or one without the other."""

from typing import Any

from lms import sync
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School, complete, enroll, first_chapter_raw, forget, mirror

LATER = "2030-01-02 03:04:05.000000"


@injection(loses_completions=True)
def duplicate_completion(d: Damage, s: School) -> None:
    d.lift("chapter_completions")
    complete(d, s.ada, first_chapter_raw(d, s.algebra))


@injection("partly")
def duplicate_enrollment(d: Damage, s: School) -> None:
    d.lift("enrollments")
    enroll(d, s.ada, s.algebra, 80)
    enroll(d, s.ada, s.algebra, 25)


@injection("partly")
def duplicate_progress(d: Damage, s: School) -> None:
    d.lift("student_progress")
    mirror(d, s.ada, s.algebra, 80)


@injection("refused")
def missing_progress(d: Damage, s: School) -> None:
    forget(d, s.ada, s.algebra, "student_progress")


def test_of_two_rows_of_a_pair_the_first_stays_with_the_best_dates(
    school: School, injure: Injure
) -> None:
    first = [_row("enrollments", school.ada)["id"], _row("student_progress", school.ada)["id"]]

    def double(damage: Damage, here: School) -> None:
        damage.lift("enrollments", "student_progress")
        pair = (here.ada, here.algebra)
        damage.run(
            "INSERT INTO enrollments (user_id, course_id, progress, enrolled_at)"
            " VALUES (?, ?, 25, ?)",
            *(*pair, LONG_AGO),
        )
        damage.run(
            "INSERT INTO student_progress (student_id, course_id, total_progress,"
            " last_activity_at) VALUES (?, ?, 25, ?)",
            *(*pair, LATER),
        )

    injure(school, double)
    assert not any(sync.auto_fix(by=None).remaining.values())
    kept, mirror = _row("enrollments", school.ada), _row("student_progress", school.ada)
    assert [kept["id"], mirror["id"]] == first
    assert str(kept["enrolled_at"]).startswith("2026-01-02")
    assert str(mirror["last_activity_at"]).startswith("2030-01-02")


def _row(table: str, student: int) -> dict[str, Any]:
    """Return the student's only row with progress; in the other course there is none."""
    column = "user_id" if table == "enrollments" else "student_id"
    rows = [row for row in contents()[table] if row[column] == student]
    [row] = [row for row in rows if row["progress" if column == "user_id" else "total_progress"]]
    return row
