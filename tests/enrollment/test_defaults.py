"""Courses that are everybody's, whichever of student and course came first."""

import pytest

from lms import enrollment
from lms.enrollment import CourseFields
from tests.builders import (
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Touches, Trail

NOT_OPEN_TO_ALL = CourseFields(title="Welcome", status="published")
OPEN_TO_ALL = CourseFields(title="Welcome", status="published", is_default_unlocked=True)


def kinds(sql: Sql) -> list[tuple[int, str]]:
    rows = sql("SELECT user_id, kind FROM access_sources ORDER BY user_id, id")
    return [(row.user_id, row.kind) for row in rows]


def test_a_new_student_is_in_courses_open_to_all(sql: Sql, trail: Trail) -> None:
    first, second = a_course_open_to_all(), a_course_open_to_all("Rules")
    a_course("Algebra")
    trail()
    student = a_student()
    assert sql("SELECT user_id, course_id FROM enrollments ORDER BY course_id") == [
        (student, first),
        (student, second),
    ]
    assert kinds(sql) == [(student, "default")] * 2
    assert [(e.action, e.course_id, e.actor_id) for e in trail()] == [
        ("user.added", None, None),
        ("access.granted", first, None),
        ("access.granted", second, None),
    ]


def test_a_new_admin_is_not(sql: Sql) -> None:
    a_course_open_to_all()
    an_admin()
    assert sql("SELECT id FROM enrollments") == []


def test_a_new_course_of_everybody_has_all_students(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    students = [a_student() for _ in range(3)]
    an_admin()
    trail()
    with touches("catalogue", "access", students=students):
        course = a_course_open_to_all()
    assert sql("SELECT user_id, course_id, progress FROM enrollments ORDER BY user_id") == [
        (student, course, 0) for student in students
    ]
    assert kinds(sql) == [(student, "default") for student in students]
    entries = trail()
    assert [(e.action, e.student_id) for e in entries] == [
        ("course.created", None),
        *(("access.granted", student) for student in students),
    ]
    assert entries[1].course_title == "Welcome"
    assert entries[1].student_name == "Ada"
    assert entries[1].details == {"source": "default", "reference": 0, "enrolled": True}


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_course_that_students_do_not_see_is_nobodys_yet(sql: Sql, status: str) -> None:
    course = a_course_open_to_all(status=status)
    a_student()
    hidden = CourseFields(title="Renamed", status=status, is_default_unlocked=True)
    enrollment.edit_course(course, hidden, by=None)
    assert sql("SELECT id FROM enrollments") == []
    enrollment.edit_course(course, OPEN_TO_ALL, by=None)
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_unlocking_a_course_keeps_who_is_in_already(sql: Sql) -> None:
    ada, bob = a_student(), a_student("Bob")
    course = a_public_course(chapters=2)
    enrollment.enroll_directly(ada, course)
    [(chapter,), _] = sql("SELECT id FROM chapters ORDER BY id")
    enrollment.complete_chapter(ada, chapter)

    enrollment.edit_course(course, OPEN_TO_ALL, by=None)

    assert kinds(sql) == [(ada, "direct"), (ada, "default"), (bob, "default")]
    assert sql("SELECT user_id, progress FROM enrollments ORDER BY user_id") == [
        (ada, 50),
        (bob, 0),
    ]


def test_unlocking_a_course_supersedes_its_pending_requests(sql: Sql, trail: Trail) -> None:
    student, course, other = a_student(), a_course(), a_course("Botany")
    a_request(student, course)
    kept = a_request(student, other)
    trail()
    enrollment.edit_course(course, OPEN_TO_ALL, by=None)
    assert sql("SELECT id FROM access_requests") == [(kept,)]
    assert ("request.superseded", student, course) in [
        (e.action, e.student_id, e.course_id) for e in trail()
    ]


def test_unlocking_twice_is_unlocking_once(sql: Sql, trail: Trail) -> None:
    a_student()
    course = a_course_open_to_all()
    trail()
    enrollment.edit_course(
        course,
        CourseFields(
            title="Welcome!", status="active", is_default_unlocked=True, description="Hello"
        ),
        by=None,
    )
    assert [e.action for e in trail()] == ["course.edited"]
    assert len(sql("SELECT id FROM access_sources")) == 1


def test_unlocking_restores_what_a_student_had_completed(sql: Sql) -> None:
    student, admin, course = a_student(), an_admin(), a_course(chapters=1)
    enrollment.enroll(student, course, by=admin)
    [(chapter,)] = sql("SELECT id FROM chapters")
    enrollment.complete_chapter(student, chapter)
    before = sql("SELECT completed_at FROM enrollments")
    enrollment.unenroll(student, course, by=admin)

    enrollment.edit_course(course, OPEN_TO_ALL, by=admin)

    assert sql("SELECT progress FROM enrollments") == [(100,)]
    assert sql("SELECT completed_at FROM enrollments") == before
    assert sql("SELECT last_activity_at FROM student_progress") == before


def test_locking_ends_access_that_rested_on_it_alone(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    ada, bob, admin = a_student(), a_student("Bob"), an_admin()
    course = a_course_open_to_all(chapters=1)
    enrollment.enroll(bob, course, by=admin)
    [(chapter,)] = sql("SELECT id FROM chapters")
    enrollment.complete_chapter(ada, chapter)
    trail()

    with touches("catalogue", "access", students=[ada, bob]):
        enrollment.edit_course(course, NOT_OPEN_TO_ALL, by=admin)

    assert kinds(sql) == [(bob, "admin")]
    assert sql("SELECT user_id FROM enrollments") == [(bob,)]
    assert sql("SELECT student_id FROM student_progress") == [(bob,)]
    assert sql("SELECT student_id FROM chapter_completions") == [(ada,)]
    assert [(e.action, e.actor_id, e.student_id) for e in trail()] == [
        ("course.edited", admin, None),
        ("access.ended", admin, ada),
        ("access.source_withdrawn", admin, bob),
    ]


def test_locking_leaves_other_courses_alone(sql: Sql) -> None:
    student = a_student()
    course, other = a_course_open_to_all(), a_course_open_to_all("Rules")
    enrollment.edit_course(course, NOT_OPEN_TO_ALL, by=None)
    assert sql("SELECT user_id, course_id FROM enrollments") == [(student, other)]


def test_a_waiver_keeps_a_student_out_while_the_course_stays_open_to_all(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.edit_course(
        course,
        CourseFields(title="Welcome all", status="published", is_default_unlocked=True),
        by=admin,
    )
    assert sql("SELECT id FROM enrollments") == []


def test_a_waiver_keeps_a_student_out_who_was_an_admin_meanwhile(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.change_role(student, "admin", by=admin)
    enrollment.change_role(student, "student", by=admin)
    assert sql("SELECT id FROM enrollments") == []


def test_locking_and_unlocking_forgets_waivers(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.edit_course(course, NOT_OPEN_TO_ALL, by=admin)
    assert sql("SELECT * FROM access_waivers") == []
    enrollment.edit_course(course, OPEN_TO_ALL, by=admin)
    assert kinds(sql) == [(student, "default")]


def test_archiving_keeps_access_and_takes_no_newcomer(sql: Sql) -> None:
    old = a_student()
    course = a_course_open_to_all()
    enrollment.archive_course(course, by=None)
    a_student("Bob")
    assert sql("SELECT user_id FROM enrollments") == [(old,)]


def test_a_price_does_not_keep_anybody_out_of_a_course_open_to_all(sql: Sql) -> None:
    student = a_student()
    a_course_open_to_all(price_cents=900)
    assert kinds(sql) == [(student, "default")]
