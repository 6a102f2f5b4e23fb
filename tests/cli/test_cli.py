"""The commands as a shell sees them: what they print, where, and their exit status."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask

from lms import accounts, create_app
from lms.cli import COMMANDS, progress
from lms.cli.migrations import migrations
from lms.cli.progress import progress_bar
from lms.db import db
from lms.demo.logins import LOGINS
from lms.queries.people import signed_in
from tests.commands import error_line, run
from tests.databases import Server, Sqlite, settings
from tests.patience import comes

CREATE = ("users", "create", "new@example.org", "--name", "New", "--password", "a good password")


@contextmanager
def _portal(url: str) -> Iterator[Flask]:
    app = create_app(settings(url))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_the_readme_names_every_command() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    table = readme.partition("## Commands")[2].partition("\n## ")[0]
    named = set(re.findall(r"`flask ([a-z-]+(?: [a-z-]+)?)", table))
    there = {
        f"{command.name} {inner}" if inner else command.name
        for command in (*COMMANDS, migrations)
        for inner in (command.commands if isinstance(command, click.Group) else [""])
    }
    ours = {name for name in there if not str(name).startswith("db ")}
    assert ours <= named <= there


@pytest.mark.parametrize("role", ["student", "admin"])
def test_creating_a_user_prints_the_id_alone(app: Flask, sql: Any, role: str) -> None:
    result = run(app, *CREATE, "--role", role)
    assert (result.exit_code, result.stderr) == (0, "")
    assert sql("SELECT id, email, role FROM users") == [
        (int(result.stdout), "new@example.org", role)
    ]
    assert result.stdout == f"{int(result.stdout)}\n"


def test_a_created_user_can_sign_in(app: Flask) -> None:
    run(app, *CREATE)
    limit = accounts.SignInLimit(rule="10 per minute", address="", secret="s")
    with app.app_context():
        token = accounts.sign_in("new@example.org", "a good password", limit=limit)
        assert signed_in(token) is not None


def test_a_duplicate_e_mail_is_refused_in_one_line(app: Flask, sql: Any) -> None:
    run(app, *CREATE)
    again = run(app, "users", "create", "NEW@example.org", *CREATE[3:])
    assert error_line(again).endswith(
        "An account with this e-mail address already exists. Enter a different one."
    )
    assert sql("SELECT count(*) FROM users")[0][0] == 1


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [
        ("no address", "a good password", "Enter an e-mail address"),
        ("x@example.org", "short", "at least 8"),
        ("half\ud800@example.org", "a good password", "can't be stored"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    app: Flask, email: str, password: str, message: str
) -> None:
    result = run(app, "users", "create", email, "--name", "New", "--password", password)
    assert message in error_line(result)


def test_an_unknown_role_is_a_usage_error(app: Flask) -> None:
    result = run(app, *CREATE, "--role", "owner")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert "owner" in line
    assert "users create --help" in line


@pytest.mark.parametrize("arguments", ["sync undo", "sync undo x", "sync undo -1", "users open"])
def test_a_usage_error_is_told_in_one_line(tmp_path: Path, arguments: str) -> None:
    with _portal(f"sqlite:///{tmp_path / 'lms.db'}") as app:
        result = run(app, *arguments.split())
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_bar_appears_at_a_terminal_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bar("Quick") as tell:
        tell(1, 2)
    assert terminal.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.01)
    with progress_bar("Slow"):  # and tells nothing
        assert comes(lambda: "Slow" in terminal.getvalue())


def test_users_are_listed_and_deactivated(app: Flask, sql: Any) -> None:
    user_id = int(run(app, *CREATE).stdout)
    assert run(app, "users", "deactivate", " New@Example.org").exit_code == 0
    listed = run(app, "users", "list").stdout
    assert listed == f"{user_id}\tstudent\tdeactivated\tnew@example.org\tNew\n"
    assert error_line(run(app, "users", "deactivate", "other@example.org")) == (
        "Error: No account has the address other@example.org. `flask users list` shows them all."
    )


@pytest.mark.parametrize("arguments", [("users", "list"), ("demo",), CREATE])
def test_an_unmigrated_database_is_told_in_one_line(
    server: Server, arguments: tuple[str, ...]
) -> None:
    with server.empty() as url, _portal(url) as app:
        assert "flask db upgrade" in error_line(run(app, *arguments))


@pytest.mark.parametrize("arguments", [("users", "list"), ("demo",), ("db", "upgrade"), CREATE])
@pytest.mark.parametrize(
    "url", ["postgresql://nobody:secret-word@127.0.0.1:1/none", "sqlite:////nonexistent/lms.db"]
)
def test_an_unreachable_database_is_told_in_one_line(url: str, arguments: tuple[str, ...]) -> None:
    with _portal(url) as app:
        line = error_line(run(app, *arguments))
    assert "can't be used" in line
    assert "secret-word" not in line


def test_upgrading_says_nothing_and_may_be_repeated(server: Server) -> None:
    with server.empty() as url, _portal(url) as app:
        for _ in range(2):
            result = run(app, "db", "upgrade")
            assert (result.exit_code, result.output) == (0, "")


def test_serve_refuses_the_host_of_another_machine_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "no such host")
    with _portal(f"sqlite:///{tmp_path / 'lms.db'}") as app:
        assert "HOST" in error_line(run(app, "serve"))
    assert list(tmp_path.iterdir()) == []


def test_production_refuses_the_demo_and_its_passwords(sqlite: Sqlite) -> None:
    with sqlite.migrated() as url, _portal(url) as app:
        app.config.update(LMS_ENV="production", DEMO=False)
        assert "LMS_ENV" in error_line(run(app, "demo"))
        _, email, password = LOGINS[0]
        with app.app_context():
            accounts.create_account(email=email, name="Admin", password=password, role="admin")
        assert email in error_line(run(app, "serve"))


def test_the_demo_prints_logins_that_work(sqlite: Sqlite, tmp_path: Path) -> None:
    with sqlite.migrated() as url, _portal(url) as app:
        app.instance_path = str(tmp_path)  # the stand-in for Stripe keeps what was bought there
        _check_the_demo(app)


def _check_the_demo(app: Flask) -> None:
    result = run(app, "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    limit = accounts.SignInLimit(rule="10 per minute", address="", secret="s")
    for role, email, password in LOGINS:
        assert f"{role}: {email} with {password}" in result.stdout
        with app.app_context():
            person = signed_in(accounts.sign_in(email, password, limit=limit))
        assert person is not None
        assert person.role == role
    assert "empty" in error_line(run(app, "demo"))
