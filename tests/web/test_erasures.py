"""Asking to be erased, and what an admin makes of it, on the pages."""

import re

from lms import enrollment
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson


def test_a_person_asks_and_withdraws(student: Browser, sql: Sql) -> None:
    assert "/profile/data" in student.get("/profile").text
    answer = student.send_form("/profile/erasure", reason="I leave.")
    assert (answer.status_code, answer.location) == (303, "/profile/data")
    assert "hasn't decided yet" in student.get("/profile/data").text
    assert sql("SELECT reason FROM erasure_requests") == [("I leave.",)]
    student.send_form("/profile/erasure/withdraw")
    assert "hasn't decided yet" not in student.get("/profile/data").text
    assert sql("SELECT * FROM erasure_requests") == []


def test_what_was_typed_comes_back_when_the_form_has_expired(student: Browser, sql: Sql) -> None:
    answer = student.post("/profile/erasure", data={"csrf_token": "old", "reason": "I leave."})
    assert answer.status_code == 400
    assert "I leave." in answer.text
    assert sql("SELECT * FROM erasure_requests") == []


def test_admins_see_who_waits_wherever_they_look(
    admin: Browser, student: Browser, act: Act
) -> None:
    counted = 'class="visually-hidden"> to erase or refuse'
    assert counted not in admin.get("/admin/courses").text
    act(enrollment.request_erasure, student.user_id, reason="I leave.")
    assert f"1<span {counted}" in admin.get("/admin/courses").text
    assert "I leave." in admin.get("/admin/erasures").text
    listed = admin.get("/admin/erasures").text
    assert f"1<span {counted}" in listed
    assert 'href="/admin/students" aria-current="true"' in listed
    assert "Erasure requested" in admin.get(f"/admin/students/{student.user_id}").text


def test_an_admin_refuses_and_the_person_reads_why(
    admin: Browser, student: Browser, act: Act
) -> None:
    act(enrollment.request_erasure, student.user_id)
    page = f"/admin/erasures/{student.user_id}"
    assert "Enter a reason." in admin.send_form(f"{page}/refuse", answer="").text
    assert admin.send_form(f"{page}/refuse", answer="A bill is open.").status_code == 303
    shown = student.get("/profile/data").text
    assert "A bill is open." in shown
    assert "Ask to erase my data" in shown
    assert "No erasure requests" in admin.get("/admin/erasures").text


def test_an_admin_erases_somebody(admin: Browser, student: Browser, sql: Sql) -> None:
    page = f"/admin/erasures/{student.user_id}"
    assert "hasn't asked for this in the portal" in admin.get(page).text
    answer = admin.send_form(f"{page}/grant", reason="By letter")
    assert (answer.status_code, answer.location) == (303, "/admin/erasures")
    assert student.get("/student/dashboard").location.startswith("/login")
    assert "Sam Student" not in admin.get("/admin/audit").text
    assert f"Erased person {student.user_id}" in admin.get("/admin/audit").text
    # Pressed twice, or by two admins.
    assert admin.send_form(f"{page}/grant", reason="By letter").status_code == 303
    assert sql("SELECT count(*) FROM erasures") == [(1,)]


def test_the_only_admin_is_told_what_to_do_first(admin: Browser) -> None:
    page = f"/admin/erasures/{admin.user_id}"
    answer = admin.post(
        f"{page}/grant", data={"csrf_token": admin.csrf_token()}, follow_redirects=True
    )
    assert "only active admin" in answer.text


def test_students_decide_on_no_erasure(student: Browser, add_person: AddPerson) -> None:
    other = add_person("kim@example.org")
    assert student.get("/admin/erasures").status_code == 403
    assert student.send_form(f"/admin/erasures/{other}/grant").status_code == 403


def test_who_was_erased_can_register_anew(
    admin: Browser, student: Browser, add_person: AddPerson, browser: Browser
) -> None:
    admin.send_form(f"/admin/erasures/{student.user_id}/grant")
    browser.sign_in("sam@example.org", PASSWORD)
    assert browser.get("/api/session").get_json()["user"] is None
    assert add_person("sam@example.org") > student.user_id


def test_blanks_are_no_answer(admin: Browser, student: Browser, sql: Sql) -> None:
    student.send_form("/profile/erasure", reason="")
    answer = admin.send_form(f"/admin/erasures/{student.user_id}/refuse", answer="   ")
    assert answer.status_code == 422
    assert sql("SELECT answer FROM erasure_requests WHERE refused_at IS NULL") == [("",)]


def test_a_wish_that_was_withdrawn_meanwhile_is_not_granted(
    admin: Browser, student: Browser, sql: Sql
) -> None:
    page = f"/admin/erasures/{student.user_id}"
    student.send_form("/profile/erasure", reason="I leave.")
    [read] = re.findall(r'name="wish"[^>]* value="([^"]+)"', admin.get(page).text)
    student.send_form("/profile/erasure/withdraw")
    refused = admin.send_form(f"{page}/grant", reason="Good luck", wish=read)
    assert refused.status_code == 409
    assert "has changed since you opened this page" in refused.text
    assert "hasn't asked for this in the portal" in refused.text
    assert 'value="Good luck"' in refused.text
    assert sql("SELECT * FROM erasures") == []
    # The page that came back carries what it shows.
    assert re.findall(r'name="wish"[^>]* value="([^"]*)"', refused.text) == [""]
    assert admin.send_form(f"{page}/grant", reason="Good luck", wish="").status_code == 303


def test_asking_and_withdrawing_for_ever_meets_a_limit(student: Browser, sql: Sql) -> None:
    asked = []
    for number in range(12):
        asked.append(student.send_form("/profile/erasure", reason=f"Reason {number}"))
        student.send_form("/profile/erasure/withdraw")
    assert [each.status_code for each in asked] == [303] * 10 + [429] * 2
    assert "Too many attempts. Wait" in asked[-1].text
    assert "Reason 11" in asked[-1].text
    assert int(asked[-1].headers["Retry-After"]) > 0
    [(entries,)] = sql("SELECT count(*) FROM audit_entries WHERE action LIKE 'erasure.%'")
    assert entries == 20
