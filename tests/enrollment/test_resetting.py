"""An admin resets a student's progress in a course."""

import pytest

from lms import enrollment
from lms.refusals import CourseNotFound, Invalid, NotEnrolled, StudentNotFound
from lms.sync import validate
from tests.builders import a_public_course, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail


def _read(sql: Sql, student: int, course: int) -> list[int]:
    """Enroll a student who completes the whole course; return its chapters."""
    enrollment.enroll_directly(student, course)
    chapters = [row.id for row in sql("SELECT id FROM chapters WHERE course_id = :c", c=course)]
    for chapter in chapters:
        enrollment.complete_chapter(student, chapter)
    return sorted(chapters)


def test_all_chapters_are_incomplete_again_and_the_student_is_told(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_public_course("Botany", chapters=2), an_admin()
    chapters = _read(sql, student, course)
    active = sql("SELECT last_activity_at FROM student_progress")
    trail()
    with touches("progress", students=[student]):
        assert enrollment.reset_progress(student, course, by=admin, reason="A new term") == 2
    assert sql("SELECT progress, completed_at FROM enrollments") == [(0, None)]
    assert sql("SELECT total_progress FROM student_progress") == [(0,)]
    assert sql("SELECT last_activity_at FROM student_progress") == active
    assert len(sql("SELECT id FROM certificates WHERE revoked_at IS NULL")) == 1
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.reason) == ("progress.reset", admin, "A new term")
    assert entry.details.keys() == {"chapters", "last_activity_at"}
    assert entry.details["chapters"] == chapters
    [notice] = sql("SELECT * FROM notices WHERE kind = 'progress_reset'")
    assert (notice.user_id, notice.title, notice.reason) == (
        *(student, "Your progress in Botany was reset"),
        "A new term",
    )
    assert validate().total == 0


def test_other_students_and_other_courses_keep_theirs(sql: Sql) -> None:
    ada, bob, first, second = (
        a_student(),
        a_student("Bob"),
        *(a_public_course(chapters=1) for _ in range(2)),
    )
    for student in (ada, bob):
        for course in (first, second):
            _read(sql, student, course)
    enrollment.reset_progress(ada, first, by=an_admin(), reason="Asked for it")
    found = sql("SELECT user_id, course_id, progress FROM enrollments ORDER BY id")
    assert {(row[0], row[1]): row[2] for row in found} == {
        (ada, first): 0,
        (ada, second): 100,
        (bob, first): 100,
        (bob, second): 100,
    }


def test_a_second_reset_changes_and_tells_nothing(trail: Trail, sql: Sql) -> None:
    student, course, admin = a_student(), a_public_course(chapters=1), an_admin()
    _read(sql, student, course)
    enrollment.reset_progress(student, course, by=admin, reason="Once")
    trail()
    assert enrollment.reset_progress(student, course, by=admin, reason="Twice") == 0
    assert trail() == []
    assert len(sql("SELECT id FROM notices WHERE kind = 'progress_reset'")) == 1


def test_who_completes_it_again_gets_no_second_certificate(sql: Sql) -> None:
    student, course = a_student(), a_public_course(chapters=1)
    _read(sql, student, course)
    enrollment.reset_progress(student, course, by=an_admin(), reason="A new term")
    _read(sql, student, course)
    assert sql("SELECT progress FROM enrollments") == [(100,)]
    assert len(sql("SELECT id FROM certificates")) == 1


def test_what_cannot_be_reset_is_refused(refuses: Refuses) -> None:
    student, course, admin = a_student(), a_public_course(chapters=1), an_admin()
    with refuses(NotEnrolled):
        enrollment.reset_progress(student, course, by=admin, reason="x")
    with refuses(CourseNotFound):
        enrollment.reset_progress(student, 999, by=admin, reason="x")
    with refuses(StudentNotFound):
        enrollment.reset_progress(999, course, by=admin, reason="x")
    enrollment.enroll_directly(student, course)
    with pytest.raises(Invalid, match="Enter a reason"):
        enrollment.reset_progress(student, course, by=admin, reason=" ")
