"""What is written down of a sign-in, an attack or an admin's change, and what never is."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from lms import enrollment, logs, web
from lms.db import db, writer
from lms.models import User
from lms.queries.people import token_hash
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act

Line = dict[str, Any]
Written = Callable[[], list[Line]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What has been written since it was last asked, as production writes it."""
    logs.configure("production", about=web.about)

    def lines() -> list[Line]:
        found = map(json.loads, capsys.readouterr().err.splitlines())
        return [line for line in found if line.pop("timestamp") and line.pop("level")]

    yield lines
    logs.configure("development", about=web.about)


@pytest.fixture
def nearby(app: Flask) -> Browser:
    """A browser with an address of its own."""
    browser = Browser(app)
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    browser.environ_base["HTTP_X_REQUEST_ID"] = "of-the-proxy-1"
    return browser


def _of_the_request(line: Line) -> Line:
    assert line.pop("request_id") == "of-the-proxy-1"
    assert line.pop("address") == "203.0.113.0/24"
    return line


def test_each_sign_in_is_written_with_its_outcome(
    app: Flask, nearby: Browser, add_person: Any, act: Act, written: Written
) -> None:
    sam, closed = add_person("sam@example.org"), add_person("closed@example.org")
    act(enrollment.deactivate_user, closed, by=None)
    written()
    for email, password, outcome, account in (
        ("sam@example.org", "not the password", "wrong", sam),
        ("nobody@example.org", PASSWORD, "wrong", None),
        ("closed@example.org", PASSWORD, "wrong", None),
        ("sam@example.org", PASSWORD, "signed in", sam),
    ):
        nearby.send_form("/login", email=email, password=password)
        [line] = written()
        told = {"event": "sign-in", "outcome": outcome, "account": account}
        assert _of_the_request(line) == told


def test_a_sign_in_that_met_the_limit_is_written_too(
    app: Flask, nearby: Browser, add_person: Any, written: Written
) -> None:
    app.config["LMS_LOGIN_LIMIT"] = "1 per minute"
    sam = add_person("sam@example.org")
    for _ in range(3):
        nearby.send_form("/login", email="sam@example.org", password="not the password")
    told = [(line["event"], line["outcome"], line["account"]) for line in written()]
    assert told == [
        ("sign-in", "wrong", sam),
        ("sign-in", "too many tries", sam),
        ("sign-in", "too many tries", sam),
    ]


def test_each_refusal_is_written_with_its_reason(
    app: Flask, nearby: Browser, add_person: Any, written: Written
) -> None:
    app.config["STRIPE_WEBHOOK_SECRET"] = "whsec_of_the_tests"
    sam = add_person("sam@example.org")
    nearby.sign_in("sam@example.org")
    written()
    tried: tuple[tuple[str, str, int, str, str], ...] = (
        ("GET", "/admin/students/7", 403, "forbidden", "/admin/students/<int:student_id>"),
        ("GET", "/api/requests", 403, "forbidden", "/api/requests"),
        ("POST", "/student/notices/read", 400, "csrf", "/student/notices/read"),
        ("POST", "/login", 400, "csrf", "/login"),
        ("POST", "/profile", 400, "csrf", "/profile"),
        ("POST", "/api/student/requests", 403, "csrf", "/api/student/requests"),
        ("POST", "/api/payments/webhook", 400, "signature", "/api/payments/webhook"),
    )
    for method, address, status, reason, route in tried:
        assert nearby.open(address, method=method, data={}).status_code == status, address
        [line] = written()
        assert _of_the_request(line) == {
            "event": "refused",
            "status": status,
            "reason": reason,
            "method": method,
            "route": route,
            "actor": sam,
        }


def test_too_many_guesses_at_the_present_password_are_written(
    app: Flask, nearby: Browser, add_person: Any, written: Written
) -> None:
    add_person("sam@example.org")
    nearby.sign_in("sam@example.org")
    app.config["LMS_LOGIN_LIMIT"] = "1 per minute"
    written()
    for _ in range(2):
        guess = {"current_password": "not the password", "password": "another horse 10"}
        nearby.send_form("/profile/password", **guess)
    told = [(line["event"], line.get("reason") or line["outcome"]) for line in written()]
    assert told == [("sign-in", "wrong"), ("refused", "too many")]


def test_a_change_by_an_admin_is_written_and_a_student_s_own_is_not(
    nearby: Browser, add_person: Any, act: Act, written: Written
) -> None:
    ada = add_person("ada@example.org", role="admin")
    nearby.sign_in("ada@example.org")
    student, course = act(a_student), act(a_course)
    request = act(a_request, student, course)
    written()
    act(a_request, student, act(a_course, "Botany"))
    assert written() == []
    nearby.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})
    told = [_of_the_request(line) for line in written()]
    assert {line["event"] for line in told} == {"change"}
    assert {line["action"] for line in told} >= {"request.approved"}
    assert all((line["actor"], line["student"], line["course"]) == (ada, student, course)
               for line in told)  # fmt: skip
    nearby.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})
    assert written() == []  # it was refused


def test_what_is_rolled_back_is_not_written(
    context: Flask, add_person: Any, sql: Sql, written: Written
) -> None:
    ada = add_person("ada@example.org", role="admin")
    with pytest.raises(Exception, match=r"duplicate|UNIQUE"):
        _rename_twice(ada, add_person("sam@example.org"))
    assert written() == []


def _rename_twice(admin: int, student: int) -> None:
    from lms.transaction import transactional  # noqa: PLC0415 - as a verb would be made

    @transactional
    def rename(session: Any) -> None:
        from lms.ledger.audit import record  # noqa: PLC0415

        record(session, "user.renamed", by=admin, student_id=student)
        session.get(User, student).email = session.get(User, admin).email

    rename()


def test_a_request_without_an_event_writes_nothing(
    student: Browser, admin: Browser, written: Written
) -> None:
    written()
    for address in ("/student/dashboard", "/profile", "/nowhere", "/api/student/courses"):
        student.get(address)
    admin.get("/admin/students")
    assert written() == []


def test_no_secret_and_nothing_that_was_typed_is_ever_written(
    nearby: Browser, add_person: Any, capsys: pytest.CaptureFixture[str], written: Written, sql: Sql
) -> None:
    add_person("ada@example.org", role="admin", name="Ada Admin")
    add_person("sam@example.org", name="Sam Student")
    nearby.send_form("/login", email="typed-password", password="typed-guess")
    nearby.send_form("/forgot", email="sam@example.org")
    nearby.sign_in("ada@example.org")
    cookie = nearby.get_cookie("portal")
    assert cookie is not None
    student = sql("SELECT id FROM users WHERE email = 'sam@example.org'")[0][0]
    csrf = nearby.csrf_token()
    reset = sql("SELECT link, body FROM outbox_emails")[0]
    nearby.send_form(f"/admin/students/{student}/rename", name="Renamed By Hand")
    nearby.send_form("/api/payments/webhook", card="4242424242424242")
    nearby.post("/profile", data={"name": "typed-name", "csrf_token": "typed-token"})
    nearby.get("/reset/a-token-in-an-address")
    nearby.post("/reset/a-token-in-an-address", data={"password": "typed-password-3"})
    said = capsys.readouterr().err
    assert len(said.splitlines()) >= 5
    secrets = (
        PASSWORD,
        "typed-",
        "42424242",
        cookie.value,
        csrf,
        "a-token-in-an-address",
        "argon2",
    )
    people = ("ada@", "sam@", "Ada Admin", "Sam Student", "Renamed", reset.link, reset.body[:30])
    assert [word for word in (*secrets, *people) if word and word in said] == []
    tokens = [row.token_hash for row in sql("SELECT token_hash FROM sign_ins")]
    assert token_hash("") not in tokens
    assert not any(token in said for token in tokens)


def test_a_failure_of_ours_is_written_whole_but_for_the_rows_in_it(
    app: Flask, nearby: Browser, written: Written, sql: Sql
) -> None:
    failing = "UPDATE users SET role = :role, password_hash = :hash"

    def fail() -> str:
        with writer(db.engine).begin() as connection:
            from sqlalchemy import text  # noqa: PLC0415

            hashed = "$argon2id$secret"
            connection.execute(text(failing), {"role": "emperor", "hash": hashed})
        return "never"

    sql("INSERT INTO users (email, name) VALUES ('x@example.org', 'Xenia')")
    app.view_functions["home.healthz"], kept = fail, app.view_functions["home.healthz"]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        answer = nearby.get("/healthz")
    finally:
        app.view_functions["home.healthz"] = kept
    assert answer.status_code == 500
    assert "of-the-proxy-1" in answer.text
    [line] = written()
    assert (line["event"], line["logger"]) == ("unhandled error", "lms")
    assert "IntegrityError" in line["exception"]
    assert not any(word in line["exception"] for word in ("$argon2id", "Xenia", "x@example.org"))
    assert _of_the_request(line)


def test_every_answer_and_every_error_page_has_the_request_s_id(
    browser: Browser, student: Browser
) -> None:
    seen = set()
    for address in ("/login", "/nowhere", "/static/css/portal.css", "/api/session", "/healthz"):
        found = browser.get(address, buffered=True).headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{16}", found)
        seen.add(found)
    assert len(seen) == 5
    for address, status in (("/nowhere", 404), ("/admin/students", 403)):
        page = student.get(address)
        assert page.status_code == status
        assert page.headers["X-Request-ID"] in page.text


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("01HXYZ-abc_def.9", True),
        ("Root=1-67891233-abcdef012345678912345678", True),
        ("6f1ed002-ab5f-4a4c-9b1a-2d1e4f0a5b6c", True),
        ("x" * 129, False),
        ("two words", False),
        ("<script>", False),
        ("a,b", False),
        ('"quoted"', False),
    ],
)
def test_an_incoming_id_is_kept_if_it_is_well_formed(
    browser: Browser, given: str, is_kept: bool
) -> None:
    answer = browser.get("/nowhere", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_kept
    assert (f">{given}<" in answer.text) is is_kept


def test_of_an_address_only_its_network_is_written() -> None:
    for address, network in (
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("no address", ""),
    ):
        assert web.network(address) == network


def test_other_loggers_are_written_in_the_same_way(written: Written) -> None:
    logging.getLogger("somebody.else").warning("%d of %s", 3, "them")
    assert written() == [{"event": "3 of them", "logger": "somebody.else"}]
    logging.getLogger("somebody.else").info("no news")
    assert written() == []


def test_development_reads_lines_as_people_do(
    nearby: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("development", about=web.about)
    nearby.send_form("/login", email="nobody@example.org", password="not the password")
    [line] = capsys.readouterr().err.splitlines()
    assert "sign-in" in line
    assert "outcome=wrong" in line
    assert "address=203.0.113.0/24" in line
    assert "{" not in line
