"""Admins invite students, see who has not accepted, and send the link again."""

import re
from datetime import timedelta

from flask import Flask

from lms import accounts, enrollment
from lms.db import now
from lms.ledger.limits import LIMITS, key_of
from tests.builders import a_student
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act

EMAIL = "new@school.test"
LIST, AGAIN = "/admin/invitations", "/admin/invitations/again"


def _invite(admin: Browser, email: str = EMAIL, name: str = "Nia New") -> int:
    answer = admin.send_form(LIST, name=name, email=email)
    assert answer.status_code == 303, answer.text
    found = re.search(r'href="/admin/students/(\d+)">' + name, admin.get(LIST).text)
    assert found
    return int(found[1])


def _invited_ago(sql: Sql, student: int, ago: timedelta) -> None:
    moment = (now() - ago).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
    sql("UPDATE users SET invited_at = :at WHERE id = :id", at=moment, id=student)


def _mails(sql: Sql) -> list[str]:
    found = sql("SELECT recipient FROM outbox_emails WHERE key LIKE 'welcome-%' ORDER BY id")
    return [row.recipient for row in found]


def test_an_admin_invites_by_name_and_address_and_the_link_opens_the_account(
    app: Flask, admin: Browser, sql: Sql
) -> None:
    student = _invite(admin)
    assert "Invited on" in admin.get(f"/admin/students/{student}").text
    [mail] = sql("SELECT link, recipient FROM outbox_emails WHERE subject LIKE 'Your account%'")
    assert mail.recipient == EMAIL
    link = re.sub(r"^https?://[^/]+", "", mail.link)
    assert Browser(app).send_form(link, password=PASSWORD).location == "/student/dashboard"
    assert "Nia New" not in admin.get(LIST).text
    assert "Invited on" not in admin.get(f"/admin/students/{student}").text


def test_a_known_address_is_not_invited_and_its_student_is_linked(
    admin: Browser, act: Act, sql: Sql
) -> None:
    known = act(a_student, email=EMAIL)
    answer = admin.send_form(LIST, name="Somebody", email=f" {EMAIL.upper()} ")
    assert answer.status_code == 422
    assert f'href="/admin/students/{known}">Open the student' in answer.text
    assert 'value="Somebody"' in answer.text
    assert _mails(sql) == []


def test_an_invitation_takes_over_an_address_that_nobody_has_proven(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    act(
        accounts.register,
        email=EMAIL,
        name="A Stranger",
        password=PASSWORD,
        link=str,
        sign_in_page="/",
        secret=app.config["SECRET_KEY"],
        place="a place",
    )
    student = _invite(admin)
    [row] = sql("SELECT name, password_hash FROM users WHERE id = :id", id=student)
    assert row == ("Nia New", "")


def test_where_no_mail_can_be_sent_nothing_changes(app: Flask, admin: Browser, sql: Sql) -> None:
    student = _invite(admin)
    _invited_ago(sql, student, timedelta(days=1))
    before = sql("SELECT * FROM users ORDER BY id"), _mails(sql)
    app.config.update(LMS_ENV="production", MAIL_URL="")
    for path, sent in ((LIST, {"name": "Una", "email": "una@x.org"}), (AGAIN, {"ids": student})):
        answer = admin.send_form(path, **sent)
        assert answer.status_code == 503
        assert "send links by e-mail yet" in answer.text
    assert (sql("SELECT * FROM users ORDER BY id"), _mails(sql)) == before


def test_a_link_is_sent_again_once_in_five_minutes_and_written_down(
    admin: Browser, sql: Sql
) -> None:
    student = _invite(admin)
    page = f"/admin/students/{student}"
    for ago, number, words in ((4, 1, "less than five minutes"), (6, 2, "1 invitation sent")):
        _invited_ago(sql, student, timedelta(minutes=ago))
        assert admin.send_form(AGAIN, again=student, back=page).location == page
        assert words in admin.get(page).text
        assert _mails(sql) == [EMAIL] * number
    [entry] = sql("SELECT * FROM audit_entries WHERE action = 'user.invited'")
    assert (entry.actor_id, entry.student_id) == (admin.user_id, student)


def test_ticked_students_get_one_mail_each_and_the_others_none(
    admin: Browser, act: Act, sql: Sql
) -> None:
    people = [_invite(admin, f"s{n}@x.org", f"Student {n}") for n in range(4)]
    for student in people:
        _invited_ago(sql, student, timedelta(days=15))
    assert admin.get(LIST).text.count("Expired") == 4
    assert "The invitation has expired" in admin.get(f"/admin/students/{people[0]}").text
    act(accounts.set_password, people[2], PASSWORD, by=None, reason="asked for it")
    act(enrollment.deactivate_user, people[3], by=None)
    admin.send_form(AGAIN, ids=[*people, people[0], 999_999])
    page = admin.get(LIST).text
    assert "2 invitations sent" in page
    assert "1 student not invited: they already have a password" in page
    assert "2 students not invited: their accounts were deleted" in page
    assert "Student 2" not in page
    assert "Expired" not in page
    assert sorted(_mails(sql)[4:]) == ["s0@x.org", "s1@x.org"]
    admin.send_form(AGAIN)
    assert "Select at least one" in admin.get(LIST).text


def test_beyond_the_limit_nothing_is_sent_and_what_was_typed_stays(
    admin: Browser, sql: Sql
) -> None:
    student = _invite(admin)
    _invited_ago(sql, student, timedelta(days=1))
    [limit] = LIMITS["invitation"]
    key = key_of("invitation", limit, admin.user_id)
    sql("UPDATE allowances SET used = :used WHERE key = :key", used=limit.allowed, key=key)
    answer = admin.send_form(LIST, name="Una Untold", email="una@x.org")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert 'value="Una Untold"' in answer.text
    assert admin.send_form(AGAIN, ids=student).status_code == 429
    assert _mails(sql) == [EMAIL]


def test_students_without_an_invitation_are_listed_and_can_be_searched(
    admin: Browser, act: Act, sql: Sql
) -> None:
    student = act(enrollment.add_user, email=EMAIL, name="Ida Imported", password_hash="")
    act(enrollment.add_user, email="other@x.org", name="Otto Other", password_hash="")
    page = admin.get(f"{LIST}?q=imported").text
    assert "Ida Imported" in page
    assert "Otto Other" not in page
    admin.send_form(AGAIN, again=student)
    assert _mails(sql) == [EMAIL]
