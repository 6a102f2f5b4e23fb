"""New requests as admins learn of them: few e-mails, each of what is still to be decided."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lms import enrollment
from lms.db import at, now
from lms.enrollment.digest import NAMED
from lms.ledger.limits import LIMITS
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")
[INTERVAL] = LIMITS["digest"]


@pytest.fixture
def wanting() -> int:
    """An admin who wants to know."""
    admin = an_admin(email="wants@example.org")
    enrollment.choose_emails(admin, requests=True)
    return admin


@pytest.fixture(autouse=True)
def _by_the_clock() -> Iterator[None]:
    with at(now()):
        yield


def mails(sql: Sql) -> list[tuple[str, str]]:
    rows = sql(
        "SELECT recipient, subject FROM outbox_emails WHERE key LIKE 'requests-%' ORDER BY id"
    )
    return [(row.recipient, row.subject) for row in rows]


def test_the_first_request_is_told_at_once_to_whoever_wants_to_know(sql: Sql, wanting: int) -> None:
    gone, second = an_admin(), an_admin(email="too@example.org")
    an_admin(email="quiet@example.org")
    enrollment.choose_emails(gone, requests=True)
    enrollment.choose_emails(second, requests=True)
    enrollment.deactivate_user(gone, by=None)
    a_request(a_student("Ada"), a_course())
    assert mails(sql) == []
    assert enrollment.send_request_digest() == 1
    subject = "Ada requested access to Algebra"
    assert sorted(mails(sql)) == [("too@example.org", subject), ("wants@example.org", subject)]
    [email] = sql("SELECT body, path FROM outbox_emails WHERE recipient = 'wants@example.org'")
    assert "- Ada: Algebra" in email.body
    assert email.path == "/admin/requests"


def test_what_follows_is_collected_until_the_interval_is_over(sql: Sql, wanting: int) -> None:
    first, ada, bob = a_student("Zoe"), a_student("Ada"), a_student("Bob")
    course, other = a_course(), a_course("Botany")
    a_request(first, course)
    assert enrollment.send_request_digest() == 1
    began = now()
    for minutes, student, wanted in ((1, ada, course), (8, bob, other)):
        with at(began + timedelta(minutes=minutes)):
            a_request(student, wanted)
            assert enrollment.send_request_digest() == 0
    with at(began + INTERVAL.period + timedelta(seconds=1)):
        assert enrollment.send_request_digest() == 2
    assert [subject for _, subject in mails(sql)][1:] == ["2 new access requests"]
    [body] = [row.body for row in sql("SELECT body FROM outbox_emails WHERE subject LIKE '2 new%'")]
    assert "- Ada: Algebra\n- Bob: Botany" in body
    assert "Zoe" not in body
    with at(began + 3 * INTERVAL.period):
        assert enrollment.send_request_digest() == 0


def test_what_is_decided_or_canceled_is_no_news(sql: Sql, wanting: int) -> None:
    course, students = a_course(), [a_student(name) for name in ("Ada", "Bob", "Cy", "Dee")]
    ada, bob, cy, _ = (a_request(student, course) for student in students)
    enrollment.cancel_request(ada, by=students[0])
    enrollment.approve(bob, by=wanting)
    enrollment.reject(cy, by=wanting)
    assert enrollment.send_request_digest() == 1
    assert mails(sql) == [("wants@example.org", "Dee requested access to Algebra")]


def test_asking_and_canceling_again_and_again_brings_one_e_mail(sql: Sql, wanting: int) -> None:
    student, course = a_student("Ada"), a_course()
    for round_ in range(40):
        request = a_request(student, course)
        if round_ % 10 == 0:
            enrollment.send_request_digest()
        enrollment.cancel_request(request, by=student)
    assert len(mails(sql)) == 1
    with at(now() + INTERVAL.period + timedelta(seconds=1)):
        assert enrollment.send_request_digest() == 0


def test_many_are_counted_and_the_earliest_named(sql: Sql, wanting: int) -> None:
    course = a_course()
    for number in range(NAMED + 3):
        a_request(a_student(f"Student {number:02}"), course)
    assert enrollment.send_request_digest() == NAMED + 3
    [email] = sql("SELECT subject, body FROM outbox_emails")
    assert email.subject == f"{NAMED + 3} new access requests"
    assert email.body.count("- Student ") == NAMED
    assert "Student 00" in email.body
    assert f"Student {NAMED}" not in email.body
    assert "And 3 more." in email.body


def test_nobody_who_wants_to_know_leaves_nothing_for_later(sql: Sql) -> None:
    course = a_course()
    a_request(a_student("Ada"), course)
    assert enrollment.send_request_digest() == 0
    assert sql("SELECT id FROM access_requests WHERE is_news") == []
    enrollment.choose_emails(an_admin(), requests=True)
    assert enrollment.send_request_digest() == 0
    a_request(a_student("Bob"), course)
    assert enrollment.send_request_digest() == 1


def test_what_waits_again_after_a_decision_was_undone_is_no_news(sql: Sql, wanting: int) -> None:
    request = a_request(a_student("Ada"), a_course())
    enrollment.undo_decision(enrollment.reject(request, by=wanting).decision_id, by=wanting)
    assert len(sql("SELECT id FROM access_requests")) == 1
    assert enrollment.send_request_digest() == 0
