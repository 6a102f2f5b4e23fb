"""Old databases that cannot be read, and how `flask import` says so: one line, no traceback."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.commands import error_line, run
from tests.conftest import Sql
from tests.databases import Postgresql
from tests.importing.old import make

SCHOOL: dict[str, list[dict[str, Any]]] = {
    "users": [{"id": 1, "email": "ada@x.org", "name": "Ada"}, {"id": 2, "email": "?"}],
    "courses": [{"id": "a", "title": "Algebra"}],
    "enrollments": [{"id": 1, "userId": 1, "courseId": "a", "progress": 5}],
}


def _run(app: Flask, *arguments: str) -> Result:
    return run(app, "import", *arguments)


def test_the_preview_changes_nothing_and_apply_does_it(
    app: Flask, tmp_path: Path, sql: Sql
) -> None:
    url = make(f"sqlite:///{tmp_path / 'old.db'}", SCHOOL)
    preview = _run(app, "legacy", url)
    assert preview.exit_code == 0
    assert "users: 2 read, 1 created, 0 merged, 0 repaired, 1 refused" in preview.stdout
    assert "1 refused: the e-mail address isn't valid" in preview.stdout
    assert "id='2', email='?', name=null" in preview.stdout
    assert (
        "1 new account has no password: its owner can set one with “Forgot your password?”"
        in preview.stdout
    )
    assert "nothing was changed" in preview.stdout
    assert sql("SELECT count(*) FROM users") == [(0,)]
    applied = json.loads(_run(app, "legacy", url, "--apply", "--json").stdout)
    assert (applied["applied"], applied["read"], applied["refused"]) == (True, 4, 1)
    assert applied["withoutPassword"] == 1
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]
    again = json.loads(_run(app, "legacy", url, "--apply", "--json").stdout)
    assert (again["created"], again["repaired"], again["merged"]) == (0, 0, 3)


def test_a_roster_is_told_line_by_line(app: Flask, tmp_path: Path, sql: Sql) -> None:
    sql("INSERT INTO courses (title, status) VALUES ('Algebra', 'published')")
    path = tmp_path / "roster.csv"
    path.write_text("email,name,course_id,action\nada@x.org,Ada,1,enroll\nx,,1,enroll\n")
    preview = _run(app, "roster", str(path))
    assert preview.stdout.splitlines()[:2] == [
        "line 2: ada@x.org: would be enrolled in Algebra, with a new account",
        "line 3: x: refused: the e-mail address isn't valid",
    ]
    applied = _run(app, "roster", str(path), "--apply")
    assert "1 enrolled (1 new account), 0 unenrolled" in applied.stdout
    assert "run 1: `flask sync undo 1` undoes it" in applied.stdout
    again = json.loads(_run(app, "roster", str(path), "--apply", "--json").stdout)
    assert (again["runId"], again["counts"]["nothing"]) == (None, 1)
    undone = run(app, "sync", "undo", "1")
    assert undone.exit_code == 0
    assert sql("SELECT count(*) FROM users") == [(0,)]
    missing = _run(app, "roster", str(tmp_path / "none.csv"))
    assert "doesn't exist" in error_line(missing, code=2)


def test_the_portals_own_database_is_refused(app: Flask, database_url: str, tmp_path: Path) -> None:
    own = [database_url]
    if database_url.startswith("sqlite"):
        link = tmp_path / "link.db"
        link.symlink_to(database_url.removeprefix("sqlite:///"))
        own.append(f"sqlite:///{link}")
    else:
        own.append(database_url.replace("postgresql://", "postgres://"))
    for address in own:
        assert "the portal's own database" in error_line(
            _run(app, "legacy", address, "--apply"), code=2
        )


def _a_folder(path: Path) -> str:
    return str(path)


def _nothing(path: Path) -> str:
    return str(path / "none.db")


def _text(path: Path) -> str:
    (path / "old.db").write_text("this is no database, but long enough to look at" * 100)
    return str(path / "old.db")


def _no_school(path: Path) -> str:
    return make(f"sqlite:///{path / 'old.db'}", {"pictures": [{"id": 1}]}).removeprefix(
        "sqlite:///"
    )


FILES: list[tuple[Callable[[Path], str], str]] = [
    (_a_folder, "isn't a file"),
    (_nothing, "doesn't exist"),
    (_text, "it isn't an SQLite database"),
    (_no_school, "This isn't a school's database"),
]
ADDRESSES = [
    ("old.db", "doesn't exist"),
    ("mysql://u@h/d", "MySQL can't be read directly"),
    ("oracle://u@h/d", "not oracle"),
    ("sqlite://", "Enter the file"),
    ("postgresql://nobody:secret-word@127.0.0.1:1/none", "can't be read"),
]


def test_what_cannot_be_read_is_told_in_one_line(
    app: Flask, tmp_path: Path, postgresql: Postgresql
) -> None:
    for number, (file, words) in enumerate(FILES):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert words in error_line(_run(app, "legacy", f"sqlite:///{file(folder)}"), code=2)
    for address, words in ADDRESSES:
        line = error_line(_run(app, "legacy", address), code=2)
        assert words in line
        assert "secret-word" not in line
    with postgresql.empty() as url:
        assert "This isn't a school's database" in error_line(_run(app, "legacy", url), code=2)


def test_a_locked_file_is_told_and_nothing_waits_forever(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.importing.legacy.source.PATIENCE_SECONDS", 0)
    url = make(f"sqlite:///{tmp_path / 'old.db'}", SCHOOL)
    with closing(sqlite3.connect(tmp_path / "old.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        line = error_line(_run(app, "legacy", url), code=2)
        assert "another program has locked it" in line


def test_an_unmigrated_portal_says_so(app: Flask, tmp_path: Path, sql: Sql) -> None:
    url = make(f"sqlite:///{tmp_path / 'old.db'}", SCHOOL)
    sql("DROP TABLE import_origins")
    assert "flask db upgrade" in error_line(_run(app, "legacy", url, "--apply"))


def test_text_in_an_old_encoding_is_read(app: Flask, tmp_path: Path, sql: Sql) -> None:
    url = make(f"sqlite:///{tmp_path / 'old.db'}", SCHOOL)
    with closing(sqlite3.connect(tmp_path / "old.db")) as other:
        other.execute("UPDATE users SET name = CAST(X'4A6F73E9' AS TEXT)")
        other.commit()
    assert _run(app, "legacy", url, "--apply").exit_code == 0
    assert sql("SELECT name FROM users") == [("José",)]
