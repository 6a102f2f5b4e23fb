"""The sources that access rests on: it lasts as long as one of them."""

from lms import enrollment
from tests.builders import (
    a_course,
    a_public_course,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.enrollment.conftest import Touches, Trail
from tests.enrollment.sources import a_payment, grant_source, kinds, withdraw_source


def test_losing_one_source_of_two_keeps_access(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course, admin = a_student(), a_course(price_cents=500), an_admin()
    payment = a_payment(sql, student, course)
    enrollment.enroll(student, course, by=admin)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500")
    trail()

    with touches("access", students=[student]):
        assert withdraw_source(student, course, "payment", payment) is False

    assert kinds(sql, student, course) == ["admin"]
    assert len(sql("SELECT id FROM enrollments")) == 1
    [entry] = trail()
    assert (entry.action, entry.details["remaining"]) == ("access.source_withdrawn", ["admin"])


def test_losing_the_last_source_ends_access(sql: Sql, trail: Trail, touches: Touches) -> None:
    student, course = a_student(), a_course(price_cents=500)
    payment = a_payment(sql, student, course)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500")
    trail()

    with touches("access", students=[student]):
        assert withdraw_source(student, course, "payment", payment) is True

    assert sql("SELECT id FROM enrollments") == []
    assert sql("SELECT id FROM student_progress") == []
    assert [e.action for e in trail()] == ["access.source_withdrawn", "access.ended"]


def test_withdrawing_what_was_never_given_changes_nothing(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.enroll(student, course, by=admin)
    trail()
    with touches():
        assert withdraw_source(student, course, "payment", 7) is False
        assert withdraw_source(student, course, "direct") is False
    assert trail() == []
    assert kinds(sql, student, course) == ["admin"]


def test_two_purchases_of_one_course_are_two_sources(sql: Sql) -> None:
    student, course = a_student(), a_course(price_cents=500)
    first, second = a_payment(sql, student, course), a_payment(sql, student, course)
    sql("UPDATE payments SET status = 'refunded', refunded_cents = 500 WHERE id = :id", id=first)
    withdraw_source(student, course, "payment", first)
    assert sql("SELECT reference FROM access_sources") == [(second,)]


def test_the_same_source_is_granted_once(sql: Sql, trail: Trail) -> None:
    student, course = a_student(), a_course()
    assert grant_source(student, course, "import") is True
    trail()
    assert grant_source(student, course, "import") is False
    assert trail() == []
    assert kinds(sql, student, course) == ["import"]


def test_access_without_any_source_is_told_as_imported(sql: Sql) -> None:
    student, course = a_student(), a_public_course()
    enrollment.enroll_directly(student, course)
    sql("DELETE FROM access_sources")
    assert enrollment.enroll_directly(student, course).source == "import"
    grant_source(student, course, "import")
