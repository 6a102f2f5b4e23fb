"""Creating, editing, archiving and deleting courses, and the order of their chapters."""

from typing import Any

import pytest

from lms import enrollment
from lms.enrollment import CourseFields
from lms.models.payment_status import GIVING_ACCESS
from lms.refusals import ChapterNotFound, CourseNotFound, Invalid
from tests.builders import (
    a_chapter,
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail

INVALID: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": "Algebra\x00"}),
    ("description", {"description": "half\ud800"}),
    ("title", {"title": "  "}),
    ("title", {"title": "x" * 201}),
    ("status", {"status": "open"}),
    ("price_cents", {"price_cents": -1}),
    ("price_cents", {"price_cents": 100_000_000}),
    ("currency", {"currency": "euro"}),
    ("currency", {"currency": "€€€"}),
    ("code", {"code": "x" * 65}),
    ("code", {"code": "MATH\x00"}),
    ("capacity", {"capacity": -1}),
    ("capacity", {"capacity": 2**31}),
    ("capacity", {"capacity": 5, "is_default_unlocked": True}),
]


def test_a_course_is_created_as_given(sql: Sql, trail: Trail, touches: Touches) -> None:
    admin = an_admin()
    trail()
    fields = CourseFields(
        title=" Algebra ",
        description=" Sets and groups. ",
        status=" Published ",
        is_public=True,
        price_cents=900,
        currency=" EUR ",
        capacity=12,
    )
    with touches("catalogue"):
        course = enrollment.create_course(fields, by=admin)
    [row] = sql("SELECT * FROM courses")
    assert (row.id, row.title, row.description) == (course, "Algebra", "Sets and groups.")
    assert (row.status, bool(row.is_public), bool(row.is_default_unlocked)) == (
        "published",
        True,
        False,
    )
    assert (row.price_cents, row.currency, row.capacity) == (900, "eur", 12)
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.course_title) == (
        "course.created",
        admin,
        "Algebra",
    )
    assert entry.details["price_cents"] == 900


@pytest.mark.parametrize(("field", "values"), INVALID)
def test_a_course_that_cannot_be_is_refused_by_field(
    refuses: Refuses, field: str, values: dict[str, Any]
) -> None:
    course = a_course()
    fields = CourseFields(**{"title": "Algebra", **values})
    with refuses(Invalid, field=field):
        enrollment.create_course(fields, by=None)
    with refuses(Invalid, field=field):
        enrollment.edit_course(course, fields, by=None)


def test_no_two_courses_share_a_code_and_many_have_none(refuses: Refuses, sql: Sql) -> None:
    algebra, botany, _ = a_course("Algebra"), a_course("Botany"), a_course("Chemistry")
    admin = an_admin()
    enrollment.edit_course(algebra, CourseFields(title="Algebra", code=" MATH-101 "), by=admin)
    fields = CourseFields(title="Botany", code="MATH-101", allows_promotion_codes=True)
    with refuses(Invalid) as refused:
        enrollment.edit_course(botany, fields, by=admin)
    assert refused.value.field == "code"
    with refuses(Invalid) as refused:
        enrollment.create_course(fields, by=admin)
    assert refused.value.field == "code"
    enrollment.edit_course(botany, CourseFields(title="Botany", code=" "), by=admin)
    assert sql("SELECT code FROM courses ORDER BY id") == [("MATH-101",), (None,), (None,)]


def test_an_edit_is_told_as_what_changed(sql: Sql, trail: Trail, touches: Touches) -> None:
    course, admin = a_course(), an_admin()
    trail()
    with touches("catalogue"):
        enrollment.edit_course(course, CourseFields(title="Algebra II", status="active"), by=admin)
    [entry] = trail()
    assert (entry.action, entry.actor_id) == ("course.edited", admin)
    assert entry.details == {
        "changes": {"title": ["Algebra", "Algebra II"], "status": ["published", "active"]}
    }
    assert sql("SELECT title, status FROM courses") == [("Algebra II", "active")]


def test_an_edit_that_changes_nothing_is_not_told(trail: Trail, touches: Touches) -> None:
    course = a_course()
    trail()
    with touches():
        enrollment.edit_course(course, CourseFields(title="Algebra", status="published"), by=None)
    assert trail() == []


def test_capacity_is_not_lowered_below_the_students_enrolled(refuses: Refuses, sql: Sql) -> None:
    course, admin = a_course(), an_admin()
    for _ in range(2):
        enrollment.enroll(a_student(), course, by=admin)
    with refuses(Invalid, field="capacity"):
        enrollment.edit_course(course, CourseFields(title="Algebra", capacity=1), by=admin)
    enrollment.edit_course(course, CourseFields(title="Algebra", capacity=2), by=admin)
    assert sql("SELECT capacity FROM courses") == [(2,)]


def test_archiving_hides_the_course_and_keeps_its_students(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    course, student, admin = a_public_course(), a_student(), an_admin()
    enrollment.enroll_directly(student, course)
    trail()
    with touches("catalogue"):
        enrollment.archive_course(course, by=admin)
    with touches():
        enrollment.archive_course(course, by=admin)
    assert sql("SELECT status FROM courses") == [("archived",)]
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert [(e.action, e.details) for e in trail()] == [
        ("course.edited", {"changes": {"status": ["published", "archived"]}})
    ]


def test_deleting_a_course_takes_its_learning_along_and_keeps_payments_readable(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    course, admin = a_course(chapters=2), an_admin()
    ada, bob = a_student(), a_student("Bob")
    enrollment.enroll(ada, course, by=admin)
    [(chapter,), _] = sql("SELECT id FROM chapters ORDER BY id")
    enrollment.complete_chapter(ada, chapter)
    a_request(bob, course)
    sql(
        """INSERT INTO payments (user_id, course_id, user_email, amount_cents, status)
        VALUES (:ada, :course, 'ada@example.org', 500, 'refunded')""",
        ada=ada,
        course=course,
    )
    trail()

    with touches("catalogue", "requests", "access", "payments"):
        enrollment.delete_course(course, by=admin, reason="Out of date")

    for table in (
        "courses",
        "chapters",
        "enrollments",
        "student_progress",
        "access_sources",
        "chapter_completions",
        "access_requests",
    ):
        assert sql(f"SELECT * FROM {table}") == []
    assert sql("SELECT course_id, course_title, amount_cents FROM payments") == [
        (None, "Algebra", 500)
    ]
    entries = [(e.action, e.student_id, e.student_name, e.course_title, e.reason) for e in trail()]
    assert entries == [
        ("access.ended", ada, "Ada", "Algebra", "Out of date"),
        ("request.dropped", bob, "Bob", "Algebra", "Out of date"),
        ("course.deleted", None, "", "Algebra", "Out of date"),
    ]


@pytest.mark.parametrize("status", GIVING_ACCESS)
def test_money_for_a_deleted_course_is_shown_to_the_admin(sql: Sql, status: str) -> None:
    course, other = a_course(), a_course("Botany")
    for bought in (other, course):
        sql(
            """INSERT INTO payments (course_id, user_email, amount_cents, status)
            VALUES (:course, 'ada@example.org', 500, :status)""",
            course=bought,
            status=status,
        )
    enrollment.delete_course(course, by=None)
    assert sql("SELECT status, attention FROM payments ORDER BY id") == [
        (status, ""),
        ("undeliverable", "The course no longer exists. Refund the payment."),
    ]


def test_an_undeliverable_payment_says_that_the_course_is_gone(sql: Sql) -> None:
    course = a_course()
    sql(
        """INSERT INTO payments (course_id, user_email, amount_cents, status, attention,
            dismissed_attention)
        VALUES (:course, 'ada@example.org', 500, 'undeliverable', 'Full.', 'Full.')""",
        course=course,
    )
    enrollment.delete_course(course, by=None)
    assert sql("SELECT status, attention, dismissed_attention FROM payments") == [
        ("undeliverable", "The course no longer exists. Refund the payment.", None)
    ]


def test_the_title_that_was_bought_stays_on_the_payment(sql: Sql) -> None:
    course = a_course("Algebra II")
    sql(
        """INSERT INTO payments (course_id, user_email, course_title, amount_cents)
        VALUES (:course, 'ada@example.org', 'Algebra I', 500)""",
        course=course,
    )
    enrollment.delete_course(course, by=None)
    assert sql("SELECT course_title FROM payments") == [("Algebra I",)]


def test_decisions_and_the_trail_outlive_the_course(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.approve(a_request(student, course), by=admin)
    enrollment.delete_course(course, by=admin)
    assert sql("SELECT course_title, student_name FROM decisions") == [("Algebra", "Ada")]
    assert sql("SELECT course_title FROM audit_entries WHERE action = 'access.granted'") == [
        ("Algebra",)
    ]


def test_what_is_not_there_cannot_be_changed(refuses: Refuses) -> None:
    fields = CourseFields(title="Algebra")
    with refuses(CourseNotFound):
        enrollment.edit_course(999, fields, by=None)
    with refuses(CourseNotFound):
        enrollment.archive_course(999, by=None)
    with refuses(CourseNotFound):
        enrollment.delete_course(999, by=None)
    with refuses(CourseNotFound):
        enrollment.add_chapter(999, title="Sets", body="", by=None)
    with refuses(ChapterNotFound):
        enrollment.edit_chapter(999, title="Sets", body="", by=None)
    with refuses(ChapterNotFound):
        enrollment.delete_chapter(999, by=None)
    with refuses(ChapterNotFound):
        enrollment.move_chapter(999, up=True, by=None)


def test_a_chapter_is_appended(sql: Sql) -> None:
    course = a_course(chapters=2)
    third = a_chapter(course, "Rings", "# Rings")
    assert sql("SELECT position FROM chapters ORDER BY id") == [(1,), (2,), (3,)]
    assert sql("SELECT title, body FROM chapters WHERE id = :id", id=third) == [
        ("Rings", "# Rings")
    ]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "Rings\x00"])
def test_a_chapter_needs_a_title_of_some_length(refuses: Refuses, title: str) -> None:
    course = a_course()
    chapter = a_chapter(course)
    with refuses(Invalid, field="title"):
        enrollment.add_chapter(course, title=title, body="", by=None)
    with refuses(Invalid, field="title"):
        enrollment.edit_chapter(chapter, title=title, body="", by=None)


def test_editing_a_chapter_is_told_once(sql: Sql, trail: Trail, touches: Touches) -> None:
    course, admin = a_course(), an_admin()
    chapter = a_chapter(course, "Sets", "Old")
    trail()
    with touches("catalogue"):
        enrollment.edit_chapter(chapter, title="Sets", body="New", by=admin)
    with touches():
        enrollment.edit_chapter(chapter, title=" Sets ", body="New", by=admin)
    assert sql("SELECT title, body FROM chapters") == [("Sets", "New")]
    assert [(e.action, e.details["chapter_id"]) for e in trail()] == [("chapter.edited", chapter)]


def test_a_chapter_moves_one_place_and_no_further_than_the_end(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    course = a_course()
    first, second, third = (a_chapter(course) for _ in range(3))
    trail()
    with touches("catalogue"):
        enrollment.move_chapter(third, up=True, by=None)
    assert _order(sql) == [first, third, second]
    with touches("catalogue"):
        enrollment.move_chapter(first, up=False, by=None)
    assert _order(sql) == [third, first, second]
    assert [(e.action, e.details) for e in trail()] == [
        ("chapter.ordered", {"order": [first, third, second]}),
        ("chapter.ordered", {"order": [third, first, second]}),
    ]
    with touches():
        enrollment.move_chapter(third, up=True, by=None)
        enrollment.move_chapter(second, up=False, by=None)
    assert _order(sql) == [third, first, second]
    assert trail() == []


def test_chapters_at_one_position_can_be_moved_too(sql: Sql) -> None:
    course = a_course()
    first, second = a_chapter(course), a_chapter(course)
    sql("UPDATE chapters SET position = 7")
    enrollment.move_chapter(second, up=True, by=None)
    assert _order(sql) == [second, first]


def test_deleting_a_course_open_to_all_needs_no_more_than_any_other(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    course = a_course_open_to_all()
    enrollment.unenroll(student, course, by=admin)
    enrollment.delete_course(course, by=admin)
    assert sql("SELECT * FROM access_waivers") == []


def _order(sql: Sql) -> list[int]:
    return [row.id for row in sql("SELECT id FROM chapters ORDER BY position, id")]
