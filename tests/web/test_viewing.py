"""An admin sees the portal as a student does, and changes nothing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from lms import accounts, enrollment
from tests.builders import a_course, a_public_course, a_request
from tests.conftest import Sql
from tests.enrollment.sources import a_payment
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson
from tests.web.pages import text_of

BANNER = "You're viewing the portal as Sam Student. Nothing can be changed."
_OWN = ("/student/", "/api/", "/static/", "/logo/", "/legal/", "/certificates", "/courses/")
_VALUES = {
    "token": "token",
    "filename": "css/portal.css",
    "name": "terms",
    "change": "deactivate",
    "direction": "up",
    "sheet": "requests",
    "table": "days",
    "page": "audit",
}


@pytest.fixture
def viewed(admin: Browser, add_person: AddPerson) -> int:
    """Sam Student, as whom the admin sees the portal."""
    student = add_person("sam@example.org", name="Sam Student")
    answer = admin.send_form(f"/admin/students/{student}/view", reason="A question by phone")
    assert (answer.status_code, answer.location) == (303, "/student/dashboard")
    return student


def _told(sql: Sql) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in sql(
            "SELECT action, actor_id, student_id, reason FROM audit_entries"
            " WHERE action LIKE 'user.view%' ORDER BY id"
        )
    ]


def test_every_page_is_the_students_and_says_whose(
    admin: Browser, act: Act, sql: Sql, viewed: int
) -> None:
    course = act(a_public_course, "Botany", chapters=2)
    sold = act(a_course, "Money", price_cents=500)
    act(enrollment.enroll, viewed, course, by=None)
    act(a_request, viewed, act(a_course, "Asked"))
    with_payment = act(a_payment, sql, viewed, sold)
    for address, shown in (
        ("/student/dashboard", "Botany"),
        ("/student/courses", "Cancel request"),
        (f"/student/courses/{course}", "Mark complete"),
        (f"/student/courses/{sold}", "Money"),
        ("/student/progress", "Botany"),
        ("/student/requests", "Asked"),
        ("/student/payments", "Payments"),
        (f"/student/payments/{with_payment}", "Payment"),
        ("/student/notices", "Botany"),
        ("/student/courses/999999", "Not found"),
    ):
        page = admin.get(address).text
        assert shown in page, address
        assert BANNER in text_of(page), address
        assert "ada@example.org" not in page, address
    assert admin.get("/").location == "/student/dashboard"
    told = admin.get("/api/student/enrolled-courses").get_json()["courses"]
    assert {each["title"] for each in told} == {"Botany", "Money"}


def test_start_and_end_are_in_the_trail_with_who_and_whom(
    admin: Browser, sql: Sql, viewed: int
) -> None:
    started = ("user.viewed", admin.user_id, viewed, "A question by phone")
    assert _told(sql) == [started]
    for _ in range(2):
        assert admin.send_form("/viewing/end").status_code == 303
    assert _told(sql) == [started, ("user.view_ended", admin.user_id, viewed, "")]
    page = text_of(admin.get(f"/admin/students/{viewed}").text)
    assert "Portal viewed as the student" in page
    assert "Stopped viewing as the student" in page


def _addresses(app: Flask, viewed: int, methods: set[str]) -> list[tuple[str, str]]:
    """Return every method and address of the portal, with the student's number in each place."""
    found = []
    for rule in app.url_map.iter_rules():
        address = rule.rule
        for name in rule.arguments:
            value = _VALUES.get(name, str(viewed))
            address = re.sub(rf"<(\w+(\([^)]*\))?:)?{name}>", value, address)
        found += [(method, address) for method in sorted(methods & (rule.methods or set()))]
    return found


def test_no_route_of_all_takes_a_change(app: Flask, admin: Browser, sql: Sql, viewed: int) -> None:
    token = {"X-CSRFToken": admin.csrf_token()}
    sent = _addresses(app, viewed, {"POST", "PUT", "PATCH", "DELETE"})
    assert len(sent) > 100
    before = _everything(sql)
    for method, address in sent:
        if address in {"/viewing/end", "/logout"}:  # which end it
            continue
        bodies: tuple[Any, ...] = (None, {})
        for json in bodies:
            answer = admin.open(address, method=method, headers=token, json=json)
            assert answer.status_code == 403, (method, address)
            if address.startswith("/api/"):
                assert answer.get_json()["code"] == "forbidden"
                assert "Send POST /viewing/end first." in answer.get_json()["detail"]
            else:
                assert "Nothing can be changed, and nothing was." in answer.text, address
                assert BANNER in text_of(answer.text), address
    assert _everything(sql) == before


def _everything(sql: Sql) -> list[Any]:
    tables = ("users", "enrollments", "access_requests", "notices", "sign_ins", "audit_entries")
    return [[tuple(row) for row in sql(f"SELECT * FROM {table} ORDER BY id")] for table in tables]


def test_only_the_students_own_pages_can_be_read(app: Flask, admin: Browser, viewed: int) -> None:
    read = {address for _, address in _addresses(app, viewed, {"GET"})}
    for address in sorted(read):
        answer = admin.get(address)
        refused = "re viewing as a student. Choose “Stop viewing” first." in answer.text
        answer.close()
        own = address.startswith(_OWN)
        is_shown = (own or address in {"/", "/healthz", "/metrics"}) and "return" not in address
        if not address.startswith("/api/"):
            assert refused != is_shown, address
    for secret in (
        *("/profile", "/profile/data", "/profile/second-factor", "/reset/x", "/verify/x"),
        *("/login", "/admin/students", "/student/payments/return?reference=x"),
    ):
        assert admin.get(secret).status_code == 403, secret
    assert admin.get("/api/students").status_code == 403


def test_looking_leaves_no_trace_on_the_student(
    admin: Browser, act: Act, sql: Sql, viewed: int
) -> None:
    course = act(a_public_course, "Botany", chapters=2)
    act(enrollment.enroll, viewed, course, by=None)
    before = [
        sql(f"SELECT * FROM {table}")
        for table in ("users", "notices", "enrollments", "student_progress", "chapter_completions")
    ]
    for address in ("/student/notices", f"/student/courses/{course}", "/student/progress"):
        assert admin.get(address).status_code == 200
    assert before == [
        sql(f"SELECT * FROM {table}")
        for table in ("users", "notices", "enrollments", "student_progress", "chapter_completions")
    ]
    assert sql("SELECT user_id FROM sign_ins") == [(admin.user_id,)]


def test_a_page_in_use_keeps_the_admins_own_idle_end(admin: Browser, sql: Sql, viewed: int) -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    sql(f"UPDATE sign_ins SET created_at = '{hour_ago:%F %T.%f}'")
    assert admin.get("/student/courses").status_code == 200
    latest = datetime.now(UTC) + timedelta(minutes=31)
    assert sql("SELECT 1 FROM sign_ins WHERE last_seen_at IS NOT NULL") == [(1,)]
    assert sql(f"SELECT 1 FROM sign_ins WHERE expires_at > '{latest:%F %T.%f}'") == []


@pytest.mark.parametrize("end", ["time", "role", "student", "deactivated"])
def test_it_ends_by_itself(admin: Browser, act: Act, sql: Sql, viewed: int, end: str) -> None:
    if end == "time":
        sql("UPDATE sign_ins SET viewed_until = '2026-01-01 00:00:00.000000'")
    elif end == "role":
        act(
            accounts.create_account,
            email="b@example.org",
            name="B",
            password="correct horse 9",
            role="admin",
        )
        act(enrollment.change_role, admin.user_id, "student", by=None)
    elif end == "student":
        act(enrollment.delete_user, viewed, by=None)
    else:
        act(enrollment.deactivate_user, viewed, by=None)
    assert BANNER not in text_of(admin.get("/student/courses").text)
    if end in {"time", "student", "deactivated"}:
        assert admin.get("/student/courses").status_code == 403
        assert admin.get("/admin/students").status_code == 200
    act(accounts.end_due_views)
    assert [action for action, *_ in _told(sql)] == ["user.viewed", "user.view_ended"]


def test_nobody_is_viewed_who_is_an_admin_or_can_sign_in_no_more(
    admin: Browser, act: Act, sql: Sql, add_person: AddPerson
) -> None:
    other = add_person("theo@example.org", role="admin")
    gone = add_person("gone@example.org")
    act(enrollment.deactivate_user, gone, by=None)
    assert admin.send_form(f"/admin/students/{other}/view").status_code == 404
    answer = admin.send_form(f"/admin/students/{gone}/view")
    assert answer.location == f"/admin/students/{gone}"
    assert "can&#39;t sign in now" in admin.get(str(answer.location)).text
    assert sql("SELECT viewed_id FROM sign_ins") == [(None,)]
    assert _told(sql) == []


def test_looking_again_after_it_has_ended_is_another_look(
    admin: Browser, act: Act, sql: Sql, viewed: int
) -> None:
    for reason in ("Twice", "at once"):
        admin.send_form(f"/admin/students/{viewed}/view", reason=reason)
    sql("UPDATE sign_ins SET viewed_until = '2026-01-01 00:00:00.000000'")
    again = admin.send_form(f"/admin/students/{viewed}/view", reason="Called again")
    assert again.location == "/student/dashboard"
    page = admin.get("/student/dashboard")
    assert page.status_code == 200
    assert BANNER in text_of(page.text)
    act(accounts.end_due_views)
    ended = ("user.view_ended", admin.user_id, viewed, "")
    assert _told(sql) == [
        ("user.viewed", admin.user_id, viewed, "A question by phone"),
        ended,
        ("user.viewed", admin.user_id, viewed, "Called again"),
    ]
    [(over_at,)] = sql("SELECT at FROM audit_entries WHERE action = 'user.view_ended'")
    assert str(over_at).startswith("2026-01-01 00:00:00")


@pytest.mark.parametrize("is_told", [False, True])
def test_after_it_has_ended_by_itself_the_admin_is_told_so_and_led_back(
    admin: Browser, act: Act, sql: Sql, viewed: int, is_told: bool
) -> None:
    sql("UPDATE sign_ins SET viewed_until = '2026-01-01 00:00:00.000000'")
    if is_told:  # by the worker, in the trail
        act(accounts.end_due_views)
    for answer in (
        admin.get("/student/courses"),
        admin.send_form("/student/courses/1/request"),
    ):
        assert answer.status_code == 403
        assert "Viewing has ended" in text_of(answer.text)
        assert "You're no longer viewing the portal as Sam Student." in text_of(answer.text)
        assert f'href="/admin/students/{viewed}"' in answer.text
    admin.send_form(f"/admin/students/{viewed}/view")
    admin.send_form("/viewing/end")
    page = admin.get("/student/courses")
    assert "This page is for students." in text_of(page.text)


def test_a_view_whose_student_is_gone_leads_back_to_the_students(
    admin: Browser, act: Act, viewed: int
) -> None:
    act(enrollment.delete_user, viewed, by=None)
    page = admin.get("/student/courses").text
    assert "Viewing has ended" in text_of(page)
    assert 'href="/admin/students">' in page


def test_signing_out_here_ends_it_too(admin: Browser, sql: Sql, viewed: int) -> None:
    out = admin.send_form("/logout")
    assert (out.status_code, out.location) == (303, "/login")
    assert sql("SELECT id FROM sign_ins") == []
    assert [action for action, *_ in _told(sql)] == ["user.viewed", "user.view_ended"]


def test_signing_out_elsewhere_ends_it_and_says_so(
    admin: Browser, act: Act, sql: Sql, viewed: int
) -> None:
    act(enrollment.end_sign_ins, admin.user_id, by=None)
    assert admin.get("/student/courses").status_code == 303
    assert [action for action, *_ in _told(sql)] == ["user.viewed", "user.view_ended"]


def test_the_students_own_tag_is_not_the_admins(admin: Browser, student: Browser, act: Act) -> None:
    def tag(browser: Browser) -> str:
        found = re.search(r'data-live-etag="([^"]+)"', browser.get("/student/courses").text)
        assert found is not None
        return found[1].replace("&#34;", '"')

    admin.send_form(f"/admin/students/{student.user_id}/view")
    own, seen = tag(student), tag(admin)
    assert own != seen
    poll = {"X-Live": "courses=0", "If-None-Match": own}
    assert student.get("/student/courses", headers=poll).status_code == 304
    assert admin.get("/student/courses", headers=poll).status_code == 200
    act(a_public_course)
    poll["If-None-Match"] = seen
    assert admin.get("/student/courses", headers=poll).status_code == 200
