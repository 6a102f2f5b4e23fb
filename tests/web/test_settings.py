"""The school's settings: changed in the browser, seen by all workers at once, never in silence."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from lms import create_app, enrollment, live, school
from lms.db import at, db, now
from lms.messages.layout import Sender
from lms.models.school import LONGEST_LEGAL
from lms.refusals import SettingsChanged
from lms.school import LEGAL
from lms.sync.reports import CHECKED
from tests import databases
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql
from tests.enrollment.sources import a_payment
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson, Statements
from tests.web.pages import error_at, text_of

PAGE = "/admin/settings"
TYPED = {
    "name": "Hill School",
    "time_zone": "Europe/Berlin",
    "currency": "NZD",
    "contact": "office@hill.example",
    "address": "1 Mill Lane, Leeds",
    "tax_id": "GB123456789",
    "registration": "domains",
    "domains": "hill.example, school.example",
    "offer_days": "3",
    "terms": "# Our terms\n\nBe kind.",
}

OPEN = {"registration": "open"}


@pytest.fixture
def other_worker(database_url: str) -> Iterator[Flask]:
    """Another process, as far as what it remembers goes."""
    app = create_app(databases.settings(database_url))
    yield app
    with app.app_context():
        db.engine.dispose()


def _save(admin: Browser, **typed: str) -> None:
    answer = admin.send_form(PAGE, seen=_seen(admin), **{**OPEN, **typed})
    assert (answer.status_code, answer.location) == (303, PAGE)


def _seen(admin: Browser) -> str:
    return admin.get(PAGE).text.partition('name="seen" value="')[2].partition('"')[0]


def test_what_is_saved_comes_back_and_counts_at_once_in_all_workers(
    admin: Browser, other_worker: Flask, sql: Sql
) -> None:
    elsewhere = Browser(other_worker)
    elsewhere.sign_in("ada@example.org")
    assert "Learning portal" in elsewhere.get("/profile").text
    _save(admin, **TYPED)
    for page in (elsewhere.get("/profile").text, Browser(other_worker).get("/login").text):
        assert "Hill School" in page
        assert "Learning portal" not in page
        assert 'href="mailto:office@hill.example"' in page
        assert 'href="/legal/terms"' in page
        assert 'href="/legal/privacy"' not in page
    shown = elsewhere.get(PAGE).text
    for value in ("Hill School", "Europe/Berlin", "1 Mill Lane, Leeds", "GB123456789"):
        assert f'value="{value}"' in shown
    assert 'value="hill.example, school.example"' in shown
    _save(elsewhere, **{**TYPED, "name": ""})
    assert "Learning portal" in admin.get("/profile").text
    assert sql("SELECT id, name FROM school_settings") == [(1, None)]


def test_a_change_says_who_changed_what_from_what_to_what(admin: Browser, sql: Sql) -> None:
    _save(admin, name="Hill School")
    _save(admin, name="Mill School", offer_days="3")
    [_, (action, actor, details)] = sql(
        "SELECT action, actor_name, details FROM audit_entries"
        " WHERE action LIKE 'school.%' ORDER BY id"
    )
    assert (action, actor) == ("school.changed", "Ada Admin")
    assert '"name": ["Hill School", "Mill School"]' in str(details).replace("'", '"')
    said = text_of(admin.get("/admin/audit").text)
    assert "Name: Hill School → Mill School" in said
    assert "Offer days: none → 3" in said
    before = sql("SELECT id FROM audit_entries")
    _save(admin, name="Mill School", offer_days="3")
    assert sql("SELECT id FROM audit_entries") == before


def test_the_environment_wins_and_the_page_says_so(app: Flask, admin: Browser, sql: Sql) -> None:
    app.config.update(SCHOOL_NAME="Given School", LMS_REGISTRATION="closed")
    page = admin.get(PAGE).text
    assert (
        page.count("Set by whoever runs the portal, in the environment or instance/config.py.") == 3
    )  # domains belong to registration
    assert 'value="Given School"' in page
    _save(admin, **TYPED)
    assert "Given School" in Browser(app).get("/login").text
    assert Browser(app).get("/register").status_code == 403
    assert sql("SELECT name, registration, offer_days FROM school_settings") == [(None, None, 3)]


def test_of_two_admins_the_second_is_told_and_keeps_what_was_typed(
    app: Flask, admin: Browser, add_person: AddPerson
) -> None:
    add_person("eve@example.org", role="admin")
    second = Browser(app)
    second.sign_in("eve@example.org")
    seen = _seen(second)
    _save(admin, name="First School", contact="", currency="NZD", terms="Be kind. " * 33 + "Yes")
    typed = {**OPEN, "name": "Second School", "contact": "second@school.test", "currency": "CHF"}
    typed |= {"terms": "Be kinder."}
    answer = second.send_form(PAGE, seen=seen, **typed)
    assert answer.status_code == 409
    said = text_of(answer.text)
    assert "Another admin has changed the settings" in said
    told = "School's name First School Currency NZD Contact e-mail empty Terms (300 characters)"
    assert told in said
    assert 'value="Second School"' in answer.text
    assert "First School" in admin.get("/profile").text
    again = answer.text.partition('name="seen" value="')[2].partition('"')[0]
    assert second.send_form(PAGE, seen=again, **OPEN, name="Second School").status_code == 303
    assert "Second School" in admin.get("/profile").text


def test_a_third_admin_is_not_overwritten_by_who_has_seen_the_second(
    admin: Browser, act: Act, sql: Sql
) -> None:
    by = admin.user_id
    act(enrollment.change_settings, {"name": "Second"}, seen=0, by=by)
    with pytest.raises(SettingsChanged) as refused:
        act(enrollment.change_settings, {"name": "First"}, seen=0, by=by)
    seen = refused.value.version
    act(enrollment.change_settings, {"contact": "third@school.test"}, seen=seen, by=by)
    with pytest.raises(SettingsChanged):
        act(enrollment.change_settings, {"name": "First"}, seen=seen, by=by)
    assert sql("SELECT name, contact FROM school_settings") == [("Second", "third@school.test")]


def test_settings_ask_for_a_proof_of_lately(admin: Browser, sql: Sql) -> None:
    seen = _seen(admin)
    with at(now() + timedelta(minutes=11)):
        answer = admin.send_form(PAGE, seen=seen, **OPEN, name="Other School")
    assert answer.status_code == 403
    assert 'value="Other School"' in answer.text  # goes on once the proof is given
    assert sql("SELECT name FROM school_settings") in ([], [(None,)])


def test_texts_of_full_length_fit_into_one_form(admin: Browser) -> None:
    texts = dict.fromkeys(LEGAL, "\N{GRINNING FACE}" * LONGEST_LEGAL)
    answer = admin.send_form(PAGE, seen=_seen(admin), **OPEN, **texts)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("time_zone", "Mars/Olympus", "such as Europe/Berlin"),
        ("contact", "office", "Enter an e-mail address"),
        ("currency", "EURO", "at most 3 characters"),
        ("currency", "xxx", "such as EUR"),
        ("offer_days", "0", "whole number of days from 1 to 365"),
        ("offer_days", "٣", "whole number of days from 1 to 365"),
        ("domains", "closed", "at least one domain"),
        ("domains", "no domain", "Enter domains separated by commas"),
        ("name", "\u202e", "control characters"),
        ("privacy", "\x00", "can't be stored"),
        ("how_to_pay", "x" * 2_001, "at most 2,000 characters"),
    ],
)
def test_what_is_typed_wrong_stays_with_one_message_at_its_field(
    admin: Browser, sql: Sql, field: str, typed: str, said: str
) -> None:
    sent = {**TYPED, field: typed}
    answer = admin.send_form(PAGE, seen=_seen(admin), **sent)
    assert answer.status_code == 422
    assert answer.text.count('class="field-error"') == 1
    assert said in error_at(answer.text, field)
    assert typed in answer.text or "\x00" in typed
    assert 'value="1 Mill Lane, Leeds"' in answer.text
    assert sql("SELECT id FROM school_settings WHERE version > 0") == []


def test_all_that_is_wrong_with_settings_is_told_at_once(admin: Browser, sql: Sql) -> None:
    wrong = {
        "time_zone": "Mars/Olympus",
        "contact": "office",
        "currency": "xxx",
        "domains": "no domain",
        "offer_days": "0",
        "video_hosts": "a b",
        "name": "\u202e",
    }
    answer = admin.send_form(PAGE, seen=_seen(admin), **{**TYPED, **wrong})
    assert answer.status_code == 422
    assert {field: bool(error_at(answer.text, field)) for field in wrong} == dict.fromkeys(
        wrong, True
    )
    assert answer.text.count('class="field-error"') == len(wrong)
    assert sql("SELECT id FROM school_settings WHERE version > 0") == []


@pytest.mark.parametrize("seen", ["", "soon", "-1", "٣", "9" * 19, "9" * 5_000])
def test_a_form_of_no_version_has_expired_and_keeps_what_was_typed(
    admin: Browser, sql: Sql, seen: str
) -> None:
    answer = admin.send_form(PAGE, seen=seen, **TYPED)
    assert answer.status_code == 400
    assert "This form has expired." in answer.text
    assert "Another admin" not in answer.text
    assert 'value="Hill School"' in answer.text
    assert sql("SELECT id FROM school_settings WHERE version > 0") == []
    again = answer.text.partition('name="seen" value="')[2].partition('"')[0]
    assert admin.send_form(PAGE, seen=again, **TYPED).status_code == 303


def test_domains_that_grow_when_they_are_stored_are_refused_at_their_field(
    admin: Browser,
) -> None:
    domains = ",".join(f"㍿㍿{number}.jp" for number in range(200))
    assert len(domains) < 2_000
    typed = {"registration": "domains", "domains": domains}
    answer = admin.send_form(PAGE, seen=_seen(admin), **typed)
    assert answer.status_code == 422
    assert "at most 2,000 characters" in error_at(answer.text, "domains")


@pytest.mark.parametrize("sent", [{}, {"registration": ""}, {"registration": "everyone"}])
def test_a_form_without_a_known_answer_to_who_can_register_changes_nothing(
    admin: Browser, sql: Sql, sent: dict[str, str]
) -> None:
    _save(admin, registration="closed")
    answer = admin.send_form(PAGE, seen=_seen(admin), name="Hill School", **sent)
    assert answer.status_code == 422
    assert "Choose who can create an account." in error_at(answer.text, "registration")
    assert sql("SELECT name, registration FROM school_settings") == [(None, "closed")]


def test_a_field_that_was_not_sent_stays_as_it_is(admin: Browser, sql: Sql) -> None:
    _save(admin, name="Hill School", privacy="Your data", offer_days="3")
    _save(admin, name="", contact="office@hill.example")
    found = sql("SELECT name, privacy, offer_days, contact FROM school_settings")
    assert found == [(None, "Your data", 3, "office@hill.example")]


def test_zones_are_found_in_whatever_case(admin: Browser, sql: Sql) -> None:
    _save(admin, time_zone="america/new york")
    assert sql("SELECT time_zone FROM school_settings") == [("America/New_York",)]


def test_the_currency_stands_in_the_forms_that_ask_for_an_amount(
    app: Flask, admin: Browser, sql: Sql
) -> None:
    def suggested() -> list[str]:
        pages = [admin.get(path).text for path in ("/admin/courses/new", "/admin/payments/new")]
        return re.findall(r'name="currency"[^>]* value="(\w+)"', "".join(pages))

    assert [code.upper() for code in suggested()] == ["EUR", "EUR"]
    _save(admin, currency=" nzd ")
    assert sql("SELECT currency FROM school_settings") == [("nzd",)]
    assert "Currency: none → NZD" in text_of(admin.get("/admin/audit").text)
    assert re.search(r'name="currency"[^>]* value="NZD"', admin.get(PAGE).text)
    assert [code.upper() for code in suggested()] == ["NZD", "NZD"]
    app.config["SCHOOL_CURRENCY"] = "chf"
    assert [code.upper() for code in suggested()] == ["CHF", "CHF"]


def test_who_can_buy_a_course_reads_how_to_pay_without_stripe(
    admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    sold = act(a_course, "Sold", price_cents=900)
    offered = act(a_course, "Offered", price_cents=900, requires_approval=True)
    free = act(a_course, "Free")
    _save(admin, how_to_pay="IBAN **AT61 1904**, with your name")
    for course, is_said in ((sold, True), (offered, False), (free, False)):
        page = student.get(f"/student/courses/{course}").text
        assert ("IBAN <strong>AT61 1904</strong>" in page) == is_said
    assert "Pay as described below" in student.get(f"/student/courses/{sold}").text
    act(enrollment.approve, act(a_request, student.user_id, offered), by=None)
    assert "IBAN <strong>" in student.get(f"/student/courses/{offered}").text
    [told] = sql("SELECT text FROM notices WHERE kind = 'offer'")
    assert "The course page says how." in told.text


def test_public_texts_are_for_everybody_once_there_are_any(admin: Browser, app: Flask) -> None:
    visitor = Browser(app)
    assert visitor.get("/legal/privacy").status_code == 404
    assert visitor.get("/legal/anything").status_code == 404
    _save(admin, privacy="# Your data\n\n<script>alert(1)</script>", contact="office@hill.example")
    page = visitor.get("/legal/privacy")
    assert (page.status_code, "<script>alert" in page.text) == (200, False)
    assert ">Your data</h2>" in page.text


def test_the_page_on_accessibility_says_what_is_true_until_there_is_another_text(
    admin: Browser, app: Flask
) -> None:
    visitor = Browser(app)
    assert 'href="/legal/accessibility"' in visitor.get("/login").text
    assert (
        "the portal hasn't been independently audited" in visitor.get("/legal/accessibility").text
    )
    _save(admin, accessibility="Ask for **Kim**.")
    page = visitor.get("/legal/accessibility").text
    assert "<strong>Kim</strong>" in page
    assert "audited" not in page


def test_terms_elsewhere_are_where_the_environment_says(app: Flask, admin: Browser) -> None:
    app.config["TERMS_URL"] = "https://hill.example/terms"
    answer = Browser(app).get("/legal/terms")
    assert (answer.status_code, answer.location) == (302, "https://hill.example/terms")
    assert 'href="/legal/terms"' in admin.get("/profile").text


def test_settings_count_where_things_happen(
    app: Flask, admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    _save(admin, **TYPED)
    course = act(a_course, "Sold", price_cents=900, requires_approval=True)
    made = act(enrollment.approve, act(a_request, act(a_student, "Ann"), course), by=None)
    assert timedelta(days=2) < made.offer.expires_at - now() <= timedelta(days=3)
    form = {"name": "New", "password": PASSWORD}
    refused = Browser(app).send_form("/register", email="new@other.example", **form)
    assert "Use an address at hill.example or school.example." in refused.text
    payment = act(a_payment, sql, student.user_id, course)
    sql(f"UPDATE payments SET paid_at = created_at WHERE id = {payment}")
    receipt = text_of(student.get(f"/student/payments/{payment}/receipt").text)
    assert "Seller Hill School, 1 Mill Lane, Leeds" in receipt
    assert "GB123456789" in receipt
    with app.app_context():
        assert Sender(school.of(db.session()).name, "a@b").school == "Hill School"


def test_a_known_version_costs_no_statement_and_a_change_reaches_open_pages(
    admin: Browser, student: Browser, statements: Statements, cost: Callable[[], int]
) -> None:
    cost()
    before = cost()
    headers = {"X-Live": "none=0"}
    polled = student.get("/student/dashboard", headers=headers)
    headers["If-None-Match"] = polled.headers["ETag"]
    assert student.get("/student/dashboard", headers=headers).status_code == 304
    _save(admin, name="Hill School")
    assert student.get("/student/dashboard", headers=headers).status_code != 304
    assert cost() == before
    with statements() as sent:
        headers["If-None-Match"] = student.get("/student/dashboard", headers=headers).headers[
            "ETag"
        ]
        sent.clear()
        assert student.get("/student/dashboard", headers=headers).status_code == 304
    assert len(sent) <= 2


def test_a_change_of_settings_asks_for_no_validation_of_the_school(
    admin: Browser, app: Flask
) -> None:
    def checked() -> int:
        with app.app_context():
            return live.version(db.session(), CHECKED)

    before = checked()
    _save(admin, contact="office@hill.example")
    assert checked() == before


def test_a_page_that_says_what_went_wrong_asks_the_database_for_nothing(
    app: Flask, admin: Browser, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    _save(admin, name="Hill School")
    assert "Hill School" in admin.get("/profile").text

    def broken() -> str:
        raise RuntimeError("a bug of ours")

    monkeypatch.setitem(app.view_functions, "home.index", broken)
    with statements() as sent:
        page = Browser(app).get("/")
    assert page.status_code == 500
    assert "Hill School" in page.text
    assert not [each for each in sent if "school_settings" in each.text]
