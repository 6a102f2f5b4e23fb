"""A message to the students of a course: previewed, sent once, and to nobody else."""

import re
from typing import Any

import pytest

from lms import enrollment
from lms.ledger.limits import LIMITS
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import error_at

EXAM = {"subject": "Exam on Friday", "text": "Bring a pen.\n\n<b>No</b> phones."}


@pytest.fixture
def bread(act: Act) -> int:
    """A course with Ada, Bob and Cleo in it; Dan is in none."""
    course: int = act(a_course, "Bread & Butter", chapters=2)
    for name in ("Ada", "Bob", "Cleo"):
        act(enrollment.enroll, act(a_student, name), course, by=None)
    act(a_student, "Dan")
    return course


def _form(admin: Browser, address: str) -> dict[str, Any]:
    key = re.search(r'name="key" type="hidden" value="([\w-]+)"', admin.get(address).text)
    assert key is not None
    return {**EXAM, "key": key[1]}


def _got(sql: Sql) -> list[str]:
    rows = sql(
        "SELECT u.name FROM notices n JOIN users u ON u.id = n.user_id"
        " WHERE n.kind = 'message' ORDER BY u.name"
    )
    return [name for (name,) in rows]


def test_a_message_is_previewed_with_the_number_of_those_who_get_it_and_sent_once(
    admin: Browser, sql: Sql, bread: int
) -> None:
    address = f"/admin/courses/{bread}/people/message"
    typed = _form(admin, address)
    preview = admin.send_form(address, **typed)
    assert "Send to 3 students" in preview.text
    assert "&lt;b&gt;No&lt;/b&gt; phones." in preview.text
    assert _got(sql) == []

    for _ in range(2):  # a double click sends the same form twice
        answer = admin.send_form(address, **typed, confirmed="3")
        assert answer.location == f"/admin/courses/{bread}/people"
    assert (
        "This message was already sent to 3 students. It wasn&#39;t sent again."
        in admin.get(str(answer.location)).text
    )
    assert _got(sql) == ["Ada", "Bob", "Cleo"]
    emails = sql("SELECT subject, body FROM outbox_emails WHERE key LIKE 'message-%'")
    assert len(emails) == 3
    assert emails[0].subject == "Exam on Friday"
    assert emails[0].body == f"{EXAM['text']}\n\nSent to students in Bread & Butter."
    [entry] = sql("SELECT * FROM audit_entries WHERE action = 'course.messaged'")
    assert (entry.actor_id, entry.course_id) == (admin.user_id, bread)
    assert '"students": 3' in str(entry.details).replace("'", '"')


def test_a_form_sent_again_days_later_reaches_nobody_not_even_newcomers(
    admin: Browser, act: Act, sql: Sql, bread: int
) -> None:
    address = f"/admin/courses/{bread}/people/message"
    typed = _form(admin, address)
    admin.send_form(address, **typed, confirmed="3")
    sql("DELETE FROM allowances")  # as the worker does with those that have expired
    act(enrollment.enroll, act(a_student, "Eve"), bread, by=None)
    sent = admin.send_form(address, **typed, confirmed="4")
    assert "was already sent to 3 students." in admin.get(str(sent.location)).text
    assert _got(sql) == ["Ada", "Bob", "Cleo"]
    entries = sql("SELECT details FROM audit_entries WHERE action = 'course.messaged'")
    assert len(entries) == 1


def test_the_same_form_sent_for_another_course_reaches_those_of_that_course(
    admin: Browser, act: Act, sql: Sql, bread: int
) -> None:
    address = f"/admin/courses/{bread}/people/message"
    typed = _form(admin, address)
    admin.send_form(address, **typed, confirmed="3")
    other = act(a_course, "Cheese")
    [(ada,)] = sql("SELECT id FROM users WHERE name = 'Ada'")
    act(enrollment.enroll, ada, other, by=None)
    sent = admin.send_form(f"/admin/courses/{other}/people/message", **typed, confirmed="1")
    assert "Message sent to 1 student." in admin.get(str(sent.location)).text
    assert _got(sql) == ["Ada", "Ada", "Bob", "Cleo"]


def test_those_who_have_left_are_not_counted_as_told(
    admin: Browser, act: Act, sql: Sql, bread: int
) -> None:
    ids = [student for (student,) in sql("SELECT id FROM users WHERE role = 'student'")]
    [(ada,)] = sql("SELECT id FROM users WHERE name = 'Ada'")
    act(enrollment.unenroll, ada, bread, by=admin.user_id)
    told = {**EXAM, "key": "a-key-of-its-own", "by": admin.user_id}
    assert act(enrollment.message_students, bread, ids, **told) == (2, False)
    assert act(enrollment.message_students, bread, ids, **told) == (2, True)
    [entry] = sql("SELECT details FROM audit_entries WHERE action = 'course.messaged'")
    assert '"students": 2' in str(entry.details).replace("'", '"')


def test_only_those_who_are_looked_for_get_it(admin: Browser, sql: Sql, bread: int) -> None:
    address = f"/admin/courses/{bread}/people/message?q=ada&standing=not_started"
    page = admin.get(f"/admin/courses/{bread}/people?q=ada&standing=not_started").text
    assert address.replace("&", "&amp;") in page
    sent = admin.send_form(address, **_form(admin, address), confirmed="1")
    assert sent.location == f"/admin/courses/{bread}/people?q=ada&standing=not_started"
    assert _got(sql) == ["Ada"]


def test_another_number_than_the_one_confirmed_is_shown_again(
    admin: Browser, act: Act, sql: Sql, bread: int
) -> None:
    address = f"/admin/courses/{bread}/people/message"
    typed = _form(admin, address)
    act(enrollment.enroll, act(a_student, "Eve"), bread, by=None)
    assert "Send to 4 students" in admin.send_form(address, **typed, confirmed="3").text
    nobody = f"{address}?q=nobody"
    assert "Nobody would get this message" in admin.send_form(nobody, **typed, confirmed="0").text
    assert _got(sql) == []


def test_who_does_not_want_such_e_mails_gets_the_notice_alone(
    admin: Browser, student: Browser, act: Act, sql: Sql, bread: int
) -> None:
    act(enrollment.enroll, student.user_id, bread, by=None)
    student.send_form("/profile/emails", decisions="y", purchases="y")
    address = f"/admin/courses/{bread}/people/message?q=sam"
    admin.send_form(address, **_form(admin, address), confirmed="1")
    assert _got(sql) == ["Sam Student"]
    assert sql("SELECT 1 FROM outbox_emails WHERE key LIKE 'message-%'") == []
    shown = student.get("/student/notices").text
    assert "Exam on Friday" in shown
    assert "&lt;b&gt;No&lt;/b&gt; phones." in shown


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"subject": " "}, "subject"),
        ({"subject": "x" * 151}, "subject"),
        ({"text": ""}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": "\x00"}, "text"),
    ],
)
def test_a_message_that_cannot_be_comes_back_with_the_fault_at_its_field(
    admin: Browser, sql: Sql, bread: int, fault: dict[str, str], field: str
) -> None:
    address = f"/admin/courses/{bread}/people/message"
    answer = admin.send_form(address, **{**_form(admin, address), **fault}, confirmed="3")
    assert answer.status_code == 422
    assert error_at(answer.text, field)
    assert _got(sql) == []


def test_a_subject_cannot_bring_in_another_header(admin: Browser, sql: Sql, bread: int) -> None:
    address = f"/admin/courses/{bread}/people/message"
    typed = {**_form(admin, address), "subject": "Exam\r\nBcc: x@example.org"}
    answer = admin.send_form(address, **typed, confirmed="3")
    subjects = {subject for (subject,) in sql("SELECT subject FROM outbox_emails")}
    assert answer.status_code in {303, 422}
    assert not any("\n" in subject or "\r" in subject for subject in subjects)


def test_messages_are_limited_per_admin(admin: Browser, sql: Sql, bread: int) -> None:
    address = f"/admin/courses/{bread}/people/message"
    [limit] = LIMITS["message"]
    statuses = [
        admin.send_form(address, **_form(admin, address), confirmed="3").status_code
        for _ in range(limit.allowed + 1)
    ]
    assert statuses == [303] * limit.allowed + [429]
    assert len(_got(sql)) == 3 * limit.allowed


def test_many_students_cost_as_many_statements_as_few(
    admin: Browser, act: Act, sql: Sql, statements: Statements, bread: int
) -> None:
    address = f"/admin/courses/{bread}/people/message"

    def cost(confirmed: int) -> int:
        typed = {**_form(admin, address), "csrf_token": admin.csrf_token()}
        with statements() as sent:
            answer = admin.post(address, data={**typed, "confirmed": str(confirmed)})
        assert answer.status_code == 303
        return len(sent)

    cost(3)
    few = cost(3)
    for number in range(40):
        act(enrollment.enroll, act(a_student, f"S{number}"), bread, by=None)
    assert cost(43) == few
    assert len(_got(sql)) == 3 + 3 + 43
