"""Progress that says another share than the chapters completed."""

from lms import sync
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School


@injection()
def progress_out_of_range(d: Damage, s: School) -> None:
    d.lift("enrollments", "student_progress")
    d.run("UPDATE student_progress SET total_progress = 150 WHERE course_id = ?", s.algebra)
    d.run("UPDATE enrollments SET progress = -7 WHERE course_id = ?", s.algebra)
    d.run("UPDATE student_progress SET total_progress = 101 WHERE course_id = ?", s.welcome)


@injection("refused")
def progress_mismatch(d: Damage, s: School) -> None:
    d.run("UPDATE student_progress SET total_progress = 60 WHERE course_id = ?", s.algebra)


@injection()
def progress_drift(d: Damage, s: School) -> None:
    d.run("UPDATE student_progress SET total_progress = 60 WHERE course_id = ?", s.algebra)
    d.run("UPDATE enrollments SET progress = 60 WHERE course_id = ?", s.algebra)


@injection()
def completion_date_mismatch(d: Damage, s: School) -> None:
    d.run("UPDATE enrollments SET completed_at = ? WHERE course_id = ?", LONG_AGO, s.algebra)


def test_a_wrong_completion_date_is_found_with_its_progress(school: School, injure: Injure) -> None:
    injure(school, "completion_date_mismatch")
    [found] = sync.explain(school.ada, school.algebra).violations
    assert (found.finding.expected, found.finding.actual) == (
        "a completion date at 100%, and none below",
        "25%, with a date",
    )
