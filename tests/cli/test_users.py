"""`flask users` as a shell sees it: passwords that no list of processes shows, and corrections."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
from flask import Flask

from lms import accounts, enrollment
from lms.queries.people import signed_in
from lms.refusals import ResetNotPossible, SecondFactorNeeded, WrongCredentials
from tests.builders import a_course, a_student
from tests.commands import error_line, run
from tests.databases import Sqlite, settings
from tests.patience import PATIENCE
from tests.server import ROOT

CREATE = ("users", "create", "new@example.org", "--name", "New")
PASSWORD = "a good password"
LIMIT = accounts.SignInLimit(rule="10 per minute", address="", secret="s")


@pytest.fixture
def user_id(app: Flask) -> int:
    return int(run(app, *CREATE, "--password", PASSWORD).stdout)


def _sign_in(app: Flask, email: str, password: str) -> str:
    with app.app_context():
        token = accounts.sign_in(email, password, limit=LIMIT)
        assert signed_in(token) is not None
    return token


@pytest.mark.parametrize(
    "line", ["typed by a script\n", "typed by a script\r\n", "typed by a script"]
)
def test_a_password_is_read_from_a_line_of_standard_input(app: Flask, line: str) -> None:
    made = run(app, *CREATE, given=line)
    assert (made.exit_code, made.stdout.strip().isdigit(), made.stderr) == (0, True, "")
    _sign_in(app, "new@example.org", "typed by a script")
    changed = run(app, "users", "set-password", "NEW@example.org", given="läuft gut heute\nmore")
    assert (changed.exit_code, changed.output) == (0, "")
    _sign_in(app, "new@example.org", "läuft gut heute")


@pytest.mark.parametrize("command", [CREATE, ("users", "set-password", "old@example.org")])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "No password was given"),
        ("\n", "No password was given"),
        (b"caf\xe9 au lait\n", "UTF-8"),
        ("short\n", "at least 8"),
        ("football1\n", "too common. Choose another, such as four unrelated words."),
    ],
)
def test_a_password_that_does_not_fit_is_refused_in_one_line(
    app: Flask, command: tuple[str, ...], given: str | bytes, message: str
) -> None:
    run(app, "users", "create", "old@example.org", "--name", "Old", "--password", PASSWORD)
    assert message in error_line(run(app, *command, given=given))
    _sign_in(app, "old@example.org", PASSWORD)


@pytest.mark.parametrize("again", ["correct horse 9", "correct hearse 9"])
def test_a_terminal_asks_twice_and_shows_nothing(sqlite: Sqlite, again: str) -> None:
    with sqlite.migrated() as url:
        given = {key: str(value) for key, value in settings(url).items() if key != "TESTING"}
        given["LMS_CHEAP_HASHES"] = "1"
        terminal, inside = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", *CREATE],
            cwd=ROOT,
            env=os.environ | given,
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=inside,
            start_new_session=True,  # without a terminal of its own: it asks where it was told to
        )
        os.close(inside)
        try:
            shown = _answer(terminal, "Password: ", "correct horse 9")
            shown += _answer(terminal, "Repeat for confirmation: ", again)
            if again != "correct horse 9":
                shown += _answer(terminal, "Password: ", "quite another one")
                shown += _answer(terminal, "Repeat for confirmation: ", "quite another one")
                assert "do not match" in shown
            printed, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
    assert process.returncode == 0
    assert printed.decode().strip().isdigit()
    assert "horse" not in shown
    assert "another" not in shown


def _answer(terminal: int, question: str, typed: str) -> str:
    shown = ""
    while not shown.endswith(question):
        shown += os.read(terminal, 1000).decode()
    os.write(terminal, f"{typed}\n".encode())
    return shown


def test_a_password_that_is_set_ends_all_sessions_and_is_audited(
    app: Flask, user_id: int, sql: Any
) -> None:
    token = _sign_in(app, "new@example.org", PASSWORD)
    run(app, "users", "set-password", " New@example.org ", given="quite another one")
    with app.app_context():
        assert signed_in(token) is None
        with pytest.raises(WrongCredentials):
            accounts.sign_in("new@example.org", PASSWORD, limit=LIMIT)
    _sign_in(app, "new@example.org", "quite another one")
    last = sql("SELECT * FROM audit_entries ORDER BY id DESC")[0]
    assert (last.action, last.student_id, last.actor_id) == ("password.set", user_id, None)
    assert last.reason == "flask users set-password"
    assert "another one" not in str(last)


def test_an_address_is_corrected_and_audited(app: Flask, user_id: int, sql: Any) -> None:
    with app.app_context():
        course = a_course()
        enrollment.enroll(user_id, course, by=None)
    token = _sign_in(app, "new@example.org", PASSWORD)
    result = run(app, "users", "set-email", "NEW@example.org", " Right@Example.ORG ")
    assert (result.exit_code, result.output) == (0, "")
    with app.app_context():
        assert signed_in(token) is None
    _sign_in(app, "right@example.org", PASSWORD)
    assert sql("SELECT user_id FROM enrollments") == [(user_id,)]
    last = sql("SELECT * FROM audit_entries ORDER BY id DESC")[0]
    assert (last.action, last.student_id) == ("user.email_changed", user_id)
    assert last.reason == "flask users set-email"


def test_a_reset_link_that_went_to_the_former_address_opens_nothing(
    app: Flask, user_id: int
) -> None:
    tokens: list[str] = []

    def link(token: str) -> str:
        tokens.append(token)
        return f"https://portal.test/reset/{token}"

    with app.app_context():
        accounts.request_password_reset("new@example.org", link=link, secret="s", place="a place")
        accounts.check_reset(tokens[0], secret="s")
        run(app, "users", "set-email", "new@example.org", "right@example.org")
        with pytest.raises(ResetNotPossible):
            accounts.check_reset(tokens[0], secret="s")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("set-email", "new@example.org", "TAKEN@example.org"), "already exists"),
        (("set-email", "new@example.org", "no address"), "Enter an e-mail address"),
        (("set-email", "new@example.org", "half\ud800@example.org"), "can't be stored"),
        (("set-email", "nobody@example.org", "x@example.org"), "No account has the address"),
        (("set-password", "nobody@example.org"), "No account has the address"),
        (("set-password", "half\ud800@example.org"), "No account has the address"),
        (("deactivate", "half\ud800@example.org"), "No account has the address"),
    ],
)
@pytest.mark.usefixtures("user_id")
def test_a_correction_that_is_not_possible_is_refused_in_one_line(
    app: Flask, sql: Any, arguments: tuple[str, ...], message: str
) -> None:
    with app.app_context():
        a_student(email="taken@example.org")
    assert message in error_line(run(app, "users", *arguments, given=""))
    assert sql("SELECT email FROM users ORDER BY id") == [
        ("new@example.org",),
        ("taken@example.org",),
    ]


def test_people_are_listed_as_json(app: Flask, user_id: int) -> None:
    run(app, "users", "deactivate", "new@example.org")
    report = json.loads(run(app, "users", "list", "--json").stdout)
    [found] = report.pop("users")
    assert report == {}
    assert found.pop("createdAt").endswith("Z")
    assert found.pop("emailVerifiedAt").endswith("Z")
    assert found == {
        "id": user_id,
        "email": "new@example.org",
        "name": "New",
        "role": "student",
        "isActive": False,
    }


def test_the_last_admin_s_lost_factor_is_removed_by_the_command(
    app: Flask, user_id: int, sql: Any
) -> None:
    sql(
        "INSERT INTO second_factors"
        " (user_id, kind, name, credential_id, public_key, sign_count)"
        f" VALUES ({user_id}, 'passkey', 'Key', 'x', 'y', 0)"
    )
    with app.app_context(), pytest.raises(SecondFactorNeeded):
        accounts.sign_in("new@example.org", PASSWORD, limit=LIMIT)
    assert (
        run(app, "users", "reset-factor", "NEW@example.org").stdout == "1 second factor removed.\n"
    )
    assert (
        run(app, "users", "reset-factor", "new@example.org").stdout == "0 second factors removed.\n"
    )
    _sign_in(app, "new@example.org", PASSWORD)
    assert "No account" in error_line(run(app, "users", "reset-factor", "nobody@example.org"))
