"""Pages and e-mails tell the time where people are; what is stored, and JSON, is UTC."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from lms import enrollment
from lms.db import at, now
from lms.web.fragments import MOST, Fragments, use
from tests.builders import a_course, a_public_course, a_request, a_student
from tests.conftest import Sql
from tests.enrollment.sources import a_payment
from tests.fragments import Checked
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson
from tests.web.pages import error_at, text_of

NIGHT = "2026-07-01 22:30:00.000000"
"""In Berlin it is the next day already."""


@pytest.fixture
def served(app: Flask) -> Iterator[Flask]:
    """The portal as it is served: what it has rendered is not rendered anew, even for a test."""
    use(app, Fragments(MOST))
    yield app
    use(app, Checked(MOST))


def _live_in(browser: Browser, zone: str) -> None:
    answer = browser.send_form("/profile/time-zone", time_zone=zone)
    assert (answer.status_code, answer.location) == (303, "/profile")


def test_times_are_the_persons_own_else_the_schools_and_change_nothing_stored(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Algebra")
    act(a_request, student.user_id, course)
    sql(f"UPDATE access_requests SET created_at = '{NIGHT}'")
    kept = sql("SELECT created_at FROM access_requests")
    json = student.get("/api/student/requests").get_json()
    assert json["requests"][0]["requestedAt"] == "2026-07-01T22:30:00Z"

    def said() -> str:
        return text_of(student.get("/student/requests").text)

    assert "1 Jul 2026, 22:30 UTC" in said()
    assert "Times are in UTC." in said()
    app.config["SCHOOL_TIME_ZONE"] = "Europe/Berlin"
    assert "2 Jul 2026, 00:30" in said()
    assert "Times are in Berlin time." in said()
    assert 'title="Berlin time, UTC+2"' in student.get("/student/requests").text
    headers = {"X-Live": "none=0"}
    headers["If-None-Match"] = student.get("/student/requests", headers=headers).headers["ETag"]
    _live_in(student, "america/new york")
    assert student.get("/student/requests", headers=headers).status_code != 304
    assert "1 Jul 2026, 18:30" in said()
    assert "Times are in New York time." in said()
    assert student.get("/api/student/requests").get_json() == json
    assert sql("SELECT created_at FROM access_requests") == kept
    _live_in(student, "")
    assert "2 Jul 2026, 00:30" in said()


def test_rows_that_are_remembered_are_told_each_in_their_own_time(
    served: Flask, admin: Browser, add_person: AddPerson, act: Act, sql: Sql
) -> None:
    act(a_request, act(a_student, "Kim"), act(a_course, "Algebra"))
    sql(f"UPDATE access_requests SET created_at = '{NIGHT}'")
    add_person("eve@example.org", role="admin")
    other = Browser(served)
    other.sign_in("eve@example.org")
    _live_in(other, "Asia/Tokyo")
    for _ in range(2):
        assert "1 Jul 2026, 22:30 UTC" in text_of(admin.get("/admin/requests").text)
        assert "2 Jul 2026, 07:30" in text_of(other.get("/admin/requests").text)


def test_an_offer_ends_in_the_time_of_whoever_has_it(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    app.config["SCHOOL_TIME_ZONE"] = "Europe/Berlin"
    other = act(a_student, "Kim")
    _live_in(student, "Asia/Kolkata")
    course = act(a_course, "Sold", price_cents=900, requires_approval=True)
    with at(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)):
        for one in (student.user_id, other):
            act(enrollment.approve, act(a_request, one, course), by=None)
    told = [
        " ".join(row.text.split())
        for row in sql("SELECT text FROM notices WHERE kind = 'offer' ORDER BY id")
    ]
    assert "held for you until 9 July 2026, 04:00 (Kolkata time, UTC+5:30)" in told[0]
    assert "held for you until 9 July 2026, 00:30 (Berlin time, UTC+2)" in told[1]
    bodies = [" ".join(row.body.split()) for row in sql("SELECT body FROM outbox_emails")]
    assert any("Kolkata time" in body for body in bodies)


def test_a_zone_that_does_not_exist_is_refused_at_its_field(student: Browser, sql: Sql) -> None:
    for typed in ("Mars/Olympus", "x" * 65, "\x00"):
        answer = student.send_form("/profile/time-zone", time_zone=typed)
        assert answer.status_code == 422
        assert error_at(answer.text, "time_zone")
    assert 'value="Mars/Olympus"' in (
        student.send_form("/profile/time-zone", time_zone="Mars/Olympus").text
    )
    assert sql("SELECT time_zone FROM users") == [(None,)]


def test_a_certificate_has_the_schools_day_wherever_it_is_read(
    app: Flask, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, "Botany", chapters=1)
    act(enrollment.enroll, student.user_id, course, by=None)
    [(chapter,)] = sql("SELECT id FROM chapters")
    act(enrollment.complete_chapter, student.user_id, chapter)
    sql(f"UPDATE certificates SET completed_at = '{NIGHT}'")
    [(code,)] = sql("SELECT code FROM certificates")
    app.config["SCHOOL_TIME_ZONE"] = "Europe/Berlin"
    _live_in(student, "America/New_York")
    for browser in (student, Browser(app)):
        assert "Completed 2 Jul 2026 (Berlin time)" in text_of(
            browser.get(f"/certificates/{code}").text
        )
    progress = text_of(student.get("/student/progress").text)
    assert "Botany 2 Jul 2026 (Berlin time)" in progress


def test_days_that_admins_filter_by_are_the_schools(app: Flask, admin: Browser, act: Act) -> None:
    app.config["SCHOOL_TIME_ZONE"] = "Europe/Berlin"
    with at(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)):
        course = act(a_course, "Algebra")
    for day, is_there in (("2026-07-01", False), ("2026-07-02", True), ("2026-07-03", False)):
        page = text_of(admin.get(f"/admin/audit?from={day}&to={day}").text)
        assert ("Course created" in page.partition("Apply")[2]) is is_there
        assert "Days are in Berlin time." in page
    for day in ("9998-12-31", "1970-01-01"):
        assert admin.get(f"/admin/audit?from={day}&to={day}").status_code == 200
    _live_in(admin, "America/New_York")  # whose own days are others
    assert "Days are in Berlin time." in text_of(admin.get("/admin/audit").text)
    assert "Date (Berlin time)" in text_of(admin.get(f"/admin/courses/{course}/access").text)


def test_money_is_paid_on_the_schools_day_which_is_that_of_the_books(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    act(a_student, "Sam", email="sam@example.org")
    course = act(a_course, "Bread", price_cents=4900)
    paid = {"email": "sam@example.org", "amount": "49.00", "currency": "EUR", "method": "cash"}
    for zone, key in (("America/New_York", "one"), ("Pacific/Auckland", "two")):
        app.config["SCHOOL_TIME_ZONE"] = zone
        form = {**paid, "paid_on": "2026-10-01", "course_id": course, "key": key, "reference": key}
        answer = admin.send_form("/admin/payments/new", **form)
        assert answer.status_code == 303, error_at(answer.text, "paid_on")
        assert admin.send_form("/admin/payments/new", **form).location == answer.location
        _live_in(admin, zone)
        assert "1 Oct 2026" in text_of(admin.get(answer.location).text)
    months = sql("SELECT DISTINCT month FROM money_movements")
    assert months == [("2026-10",)]


def test_a_day_of_the_past_ends_with_the_schools_day(app: Flask, admin: Browser, act: Act) -> None:
    app.config["SCHOOL_TIME_ZONE"] = "Europe/Berlin"
    with at(datetime(2026, 6, 1, tzinfo=UTC)):
        kim, course = act(a_student, "Kim"), act(a_course, "Algebra")
    with at(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)):
        act(enrollment.enroll, kim, course, by=admin.user_id)
    there = f"/admin/courses/{course}/access"
    assert "Kim" not in text_of(admin.get(f"{there}?at=2026-07-01").text)
    page = text_of(admin.get(f"{there}?at=2026-07-02").text)
    assert "Kim" in page
    assert "Days end at midnight, Berlin time." in page
    assert "Kim" not in text_of(admin.get(f"{there}?at=2026-07-02T00:29").text)
    assert "Kim" in text_of(admin.get(f"{there}?at=2026-07-02T00:31").text)
    explained = f"/admin/students/{kim}/courses/{course}"
    page = admin.get(f"{explained}?at=2026-07-01").text
    assert "had no access" in text_of(page)
    assert 'name="at" value="2026-07-01"' in page
    assert 'name="at" value="2026-07-02"' in admin.get(f"{explained}?at=2026-07-02T00:31").text
    json = admin.get(f"/api/sync/explain?studentId={kim}&courseId={course}&at=2026-07-01")
    assert json.get_json()["hasAccess"] is True  # JSON's days are those of UTC
    for odd in ("0001-01-01", "9999-12-31", "0001-01-01T00:00"):
        assert admin.get(f"{there}?at={odd}").status_code == 422
    assert now() > datetime(2026, 7, 1, tzinfo=UTC)


def test_a_receipt_has_the_schools_day_whoever_reads_it(
    student: Browser, act: Act, sql: Sql
) -> None:
    act(enrollment.change_settings, {"time_zone": "Europe/Berlin"}, seen=None, by=None)
    payment = act(a_payment, sql, student.user_id, act(a_course, "Bread", price_cents=500))
    sql("UPDATE payments SET paid_at = '2026-11-30 23:30:00.000000'")
    for zone in ("America/New_York", "Pacific/Auckland"):
        _live_in(student, zone)
        page = text_of(student.get(f"/student/payments/{payment}/receipt").text)
        assert "Date 1 Dec 2026 (Berlin time)" in page


def _paid_by_hand(admin: Browser, email: str, course: int, day: str) -> str:
    """Record a payment of a day, and return its number."""
    typed = {"email": email, "course_id": str(course), "amount": "5", "currency": "EUR"}
    typed |= {"method": "cash", "reference": "R 1", "paid_on": day}
    answer = admin.send_form("/admin/payments/new", **typed)
    assert answer.status_code == 303, answer.text
    return str(answer.location).rpartition("/")[2]


@pytest.mark.parametrize("becomes", ["Pacific/Auckland", "Pacific/Honolulu", "UTC"])
def test_a_payment_that_an_admin_recorded_stays_of_its_day_whatever_the_zone_becomes(
    student: Browser, admin: Browser, act: Act, becomes: str
) -> None:
    act(enrollment.change_settings, {"time_zone": "Pacific/Auckland"}, seen=None, by=None)
    course = act(a_course, "Bread", price_cents=500)
    payment = _paid_by_hand(admin, "sam@example.org", course, "2026-03-15")
    act(enrollment.change_settings, {"time_zone": becomes}, seen=None, by=None)
    admin.send_form(f"/admin/payments/{payment}/refund", reason="Asked for")
    receipt = text_of(student.get(f"/student/payments/{payment}/receipt").text)
    assert "Date 15 Mar 2026 (Auckland time) Seller" in receipt
    assert ",2026-03-15T13:00:00+13:00," in admin.get("/admin/payments.csv").text
    pages = {
        student: (
            *("/student/payments", f"/student/payments/{payment}"),
            f"/student/courses/{course}",
        ),
        admin: (
            *("/admin/payments", f"/admin/payments/{payment}"),
            f"/admin/students/{student.user_id}",
        ),
    }
    for browser, addresses in pages.items():
        for zone, named in (("Pacific/Auckland", ""), ("America/New_York", " (Auckland time)")):
            _live_in(browser, zone)
            for address in addresses:
                page = text_of(browser.get(address).text)
                assert f"15 Mar 2026{named}" in page
                assert "15 Mar 2026," not in page
                assert "14 Mar 2026" not in page


def test_why_somebody_has_access_is_told_in_the_days_of_whoever_reads_it(
    app: Flask, admin: Browser, act: Act, sql: Sql
) -> None:
    student_id, course = act(a_student), act(a_public_course, "Botany")
    act(enrollment.enroll, student_id, course, by=None)
    sql(f"UPDATE access_sources SET granted_at = '{NIGHT}'")
    address = f"/admin/students/{student_id}/courses/{course}"
    for zone, said in (("UTC", "2026-07-01"), ("Europe/Berlin", "2026-07-02")):
        app.config["SCHOOL_TIME_ZONE"] = zone
        assert f"since {said}" in text_of(admin.get(address).text)
    query = f"studentId={student_id}&courseId={course}"
    json = admin.get(f"/api/sync/explain?{query}").get_json()
    assert "since 2026-07-01" in " ".join(json["reasons"])


def test_the_foot_of_an_open_page_follows_the_zone(app: Flask, student: Browser) -> None:
    page = student.get("/student/dashboard").text
    shown = re.findall(r' id="([^"]+)"[^>]* data-live="(\w+)"', page)
    _live_in(student, "Pacific/Auckland")
    polled = {"X-Live": ",".join(f"{name}={mark}" for name, mark in shown)}
    news = student.get("/student/dashboard", headers=polled).text
    assert "Times are in Auckland time." in news


def test_the_books_have_the_days_of_the_school_whoever_reads_them(admin: Browser, act: Act) -> None:
    act(enrollment.change_settings, {"time_zone": "Pacific/Auckland"}, seen=0, by=None)
    act(a_student, email="ann@example.org")
    _paid_by_hand(admin, "ann@example.org", act(a_course, "Bread", price_cents=500), "2026-04-01")
    for zone, named in (("Pacific/Auckland", ""), ("America/New_York", " (Auckland time)")):
        _live_in(admin, zone)
        lines = text_of(
            admin.get("/admin/payments/books?month=2026-04").text.split('id="lines"')[1]
        )
        assert f"1 Apr 2026{named} Payment" in lines
        file = admin.get("/admin/payments/books.csv?month=2026-04").text
        assert ",2026-04-01T13:00:00+13:00," in file


def test_a_school_by_utc_names_it_where_a_day_may_not_be_the_readers(
    student: Browser, act: Act, sql: Sql
) -> None:
    payment = act(a_payment, sql, student.user_id, act(a_course, "Bread", price_cents=500))
    sql("UPDATE payments SET paid_at = '2026-11-30 23:30:00.000000'")
    address = f"/student/payments/{payment}/receipt"
    for zone, named in (("Pacific/Auckland", " (UTC)"), ("UTC", "")):
        _live_in(student, zone)
        assert f"Date 30 Nov 2026{named} Seller" in text_of(student.get(address).text)


def test_access_by_date_has_the_days_of_the_school(app: Flask, admin: Browser, act: Act) -> None:
    app.config["SCHOOL_TIME_ZONE"] = "Pacific/Auckland"
    course = act(a_public_course, "Botany")
    with at(datetime(2026, 6, 30, 12, 30, tzinfo=UTC)):
        act(enrollment.enroll, act(a_student), course, by=None)
    _live_in(admin, "America/New_York")
    page = text_of(admin.get(f"/admin/courses/{course}/access").text)
    assert page.count("1 Jul 2026 (Auckland time)") == 2


def test_a_day_that_is_typed_after_a_change_of_zone_is_one_of_the_books(
    admin: Browser, act: Act
) -> None:
    course = act(a_course, "Bread", price_cents=500)
    for email, zone, day in (
        ("ann@example.org", "Pacific/Auckland", "2026-06-30"),
        ("ben@example.org", "Pacific/Honolulu", "2026-07-01"),
    ):
        with at(datetime(2026, 6, 30, 20, tzinfo=UTC)):
            act(a_student, email=email)
            act(enrollment.change_settings, {"time_zone": zone}, seen=None, by=None)
            form = admin.get("/admin/payments/new").text
            [asked] = re.findall(r'<input[^>]* name="paid_on"[^>]*>', form)
            assert 'value="2026-07-01"' in asked
            assert "The day in Auckland time" in form
            payment = _paid_by_hand(admin, email, course, day)
            shown = text_of(admin.get(f"/admin/payments/{payment}").text)
        assert f"{datetime.fromisoformat(day):%-d %b %Y}" in shown
