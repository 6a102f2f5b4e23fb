"""What students are told: each event once, with the change or not at all; by e-mail if wanted."""

from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.db import db
from lms.enrollment import CourseFields
from lms.refusals import AlreadyReviewed, Invalid
from tests.builders import a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Touches
from tests.statements import sent_to

TOLD = "SELECT kind, title, reason, course_id FROM notices ORDER BY id"


def told(sql: Sql) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sql(TOLD)]


def subjects(sql: Sql) -> list[str]:
    return [row.subject for row in sql("SELECT subject FROM outbox_emails ORDER BY id")]


def test_an_approval_is_told_once_here_and_by_mail(sql: Sql) -> None:
    student, course, admin = a_student(email="ada@example.org"), a_course(), an_admin()
    request = a_request(student, course)
    enrollment.approve(request, by=admin, reason="Welcome")
    with pytest.raises(AlreadyReviewed):
        enrollment.approve(request, by=admin)
    assert told(sql) == [("approved", "You're enrolled in Algebra", "Welcome", course)]
    [email] = sql("SELECT recipient, subject, body, path FROM outbox_emails")
    assert tuple(email[:2]) == ("ada@example.org", "You're enrolled in Algebra")
    assert "Reason: Welcome" in email.body
    assert email.path == f"/student/courses/{course}"


def test_a_rejection_says_why(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.reject(a_request(student, course), by=admin, reason="Next term, please.")
    title = "Your request for Algebra was rejected"
    assert told(sql) == [("rejected", title, "Next term, please.", course)]


def test_many_decisions_at_once_tell_each_student(sql: Sql) -> None:
    course, admin = a_course(), an_admin()
    requests = [a_request(a_student(), course) for _ in range(3)]
    enrollment.decide_many([*requests, *requests], "reject", by=admin, reason="Full.")
    assert [row[0] for row in told(sql)] == ["rejected"] * 3
    assert len(subjects(sql)) == 3


def test_what_an_admin_gives_and_ends_is_told_each_time_without_the_reason(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    for _ in range(2):
        enrollment.enroll(student, course, by=admin, reason="A relative")
        enrollment.enroll(student, course, by=admin)
        enrollment.unenroll(student, course, by=admin, reason="Cheated")
    given = ("enrolled", "You're enrolled in Algebra", "", course)
    ended = ("unenrolled", "Your access to Algebra has ended", "", course)
    assert told(sql) == [given, ended, given, ended]


def test_what_students_do_themselves_is_no_news(sql: Sql) -> None:
    student, course = a_student(), a_public_course()
    enrollment.enroll_directly(student, course)
    other = a_course()
    enrollment.cancel_request(a_request(student, other), by=student)
    assert told(sql) == []
    assert subjects(sql) == []


def test_a_course_opened_to_everybody_answers_those_who_had_asked(sql: Sql) -> None:
    asked, course = a_student(), a_course()
    a_student("Bob")
    a_request(asked, course)
    opened = CourseFields(title="Algebra", status="published", is_default_unlocked=True)
    enrollment.edit_course(course, opened, by=None)
    closed = CourseFields(title="Algebra", status="published")
    enrollment.edit_course(course, closed, by=None)
    kinds = sql("SELECT kind, user_id FROM notices ORDER BY id")
    assert [row.kind for row in kinds] == ["enrolled", "unenrolled", "unenrolled"]
    assert kinds[0].user_id == asked


def test_a_deleted_course_is_told_to_all_concerned_in_as_many_statements_for_any_number(
    sql: Sql, context: Flask
) -> None:
    counts = []
    for size in (2, 6):
        course, admin = a_public_course("Botany"), an_admin()
        for number in range(size):
            student = a_student()
            if number % 2:
                a_request(student, course)
            else:
                enrollment.enroll_directly(student, course)
        with sent_to(db.engine) as sent:
            enrollment.delete_course(course, by=admin)
        counts.append(len(sent))
    assert counts[0] == counts[1]
    kinds = [row.kind for row in sql("SELECT kind FROM notices ORDER BY kind")]
    assert kinds == ["request_closed"] * 4 + ["unenrolled"] * 4
    assert sql("SELECT 1 FROM notices WHERE course_id IS NOT NULL") == []
    assert len(subjects(sql)) == 8


def test_only_the_kinds_of_mail_that_a_student_wants_are_sent(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    enrollment.choose_emails(student, decisions=False)
    enrollment.enroll(student, course, by=admin)
    assert subjects(sql) == []
    enrollment.choose_emails(student, decisions=True, purchases=False)
    enrollment.unenroll(student, course, by=admin)
    assert subjects(sql) == ["Your access to Algebra has ended"]
    assert len(told(sql)) == 2


def test_a_change_that_fails_in_the_end_tells_nobody(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course)
    monkeypatch.setattr("lms.transaction.publish", _failing)
    with pytest.raises(Invalid):
        enrollment.approve(request, by=admin)
    assert told(sql) == []
    assert subjects(sql) == []
    assert len(sql("SELECT id FROM access_requests")) == 1


def test_reading_marks_ones_own_and_refreshes_the_pages_once(sql: Sql, touches: Touches) -> None:
    ada, bob, admin = a_student(), a_student("Bob"), an_admin()
    for student in (ada, bob):
        for _ in range(2):
            enrollment.enroll(student, a_course(), by=admin)
    first, _, others, _ = [row.id for row in sql("SELECT id FROM notices ORDER BY id")]
    with touches(students=[ada]):
        enrollment.read_notices(ada, [first, others])
    with touches():
        enrollment.read_notices(ada, [first, others])
    assert [row.id for row in sql("SELECT id FROM notices WHERE read_at IS NOT NULL")] == [first]
    enrollment.read_notices(ada)
    read = sql("SELECT user_id FROM notices WHERE read_at IS NOT NULL")
    assert [row.user_id for row in read] == [ada, ada]


def test_notices_go_with_their_student(sql: Sql) -> None:
    student, admin = a_student(), an_admin()
    enrollment.enroll(student, a_course(), by=admin)
    enrollment.delete_user(student, by=admin)
    assert told(sql) == []


def test_titles_with_braces_and_long_ones_stay_one_line(sql: Sql) -> None:
    student, admin, title = a_student(), an_admin(), "{course} {0}\n%s " + "x" * 180
    enrollment.enroll(student, a_course(title), by=admin)
    [notice] = told(sql)
    line = f"You're enrolled in {title}".replace("\n", " ").strip()
    assert notice[1] == f"{line[:199]}…"
    assert subjects(sql) == [notice[1]]


def _failing(_session: object) -> None:
    raise Invalid("anything", "The last step failed.")


def test_only_who_had_access_by_a_payment_is_promised_a_message_about_it(sql: Sql) -> None:
    admin, buyer, refunded = an_admin(), a_student(), a_student()
    for statuses in (["refunded"], ["refunded", "paid"]):
        sold = a_course("Botany", price_cents=500)
        for status, student in zip(statuses, (refunded, buyer), strict=False):
            enrollment.enroll(student, sold, by=admin)
            sql(
                "INSERT INTO payments (user_id, course_id, amount_cents, status, paid_at)"
                " VALUES (:student, :sold, 500, :status, '2026-01-02 03:04:05')",
                student=student,
                sold=sold,
                status=status,
            )
        before = len(told(sql))
        enrollment.delete_course(sold, by=admin)
        news = sql("SELECT user_id, title, text FROM notices ORDER BY id")[before:]
        ended = [row.text for row in news if row.title == "Your access to Botany has ended"]
        promise = "a separate message explains what happens to the payment."
        assert [promise in text for text in ended] == ["paid" in statuses] * len(statuses)
        assert not ["If you paid" for text in ended if "If you paid" in text]
        kept = [row.user_id for row in news if "reviewing your payment" in row.title]
        assert kept == ([buyer] if "paid" in statuses else [])
