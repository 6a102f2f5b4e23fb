"""A backup holds the school of one moment, or it says that it doesn't."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask

from lms import moving
from lms.db import db
from lms.sync import validate
from tests import databases
from tests.builders import a_course, a_student
from tests.moving.test_copying import portal


def _backed_up(file: Path) -> moving.Backup:
    with db.engine.connect() as source:
        return moving.back_up(source, file)


@pytest.mark.usefixtures("context")
def test_a_backup_of_either_engine_is_restored_into_either(
    tmp_path: Path, elsewhere: str, empty: str
) -> None:
    a_student("Ada", email="ada@example.org")
    a_course("Tides", chapters=3)
    file = tmp_path / "school.backup"
    made = _backed_up(file)
    a_student("Bob", email="bob@example.org")
    digests = []
    for address in (elsewhere, empty):
        with portal(address) as app, moving.opened(file) as (found, engine):
            assert found.tables == made.tables
            url = str(app.config["DATABASE_URL"])
            with engine.connect() as source, moving.emptied(url) as target:
                digests.append(moving.copy(moving.Database(source), target).digests)
            assert validate().ok
    assert digests[0] == digests[1]
    with portal(empty), pytest.raises(moving.NotEmpty), moving.emptied(empty):
        pass


@pytest.mark.usefixtures("context")
def test_it_is_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "school.backup"
    _backed_up(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_bytes()
    with pytest.raises(FileExistsError, match="already exists"):
        _backed_up(file)
    assert file.read_bytes() == written
    assert [each.name for each in tmp_path.iterdir()] == ["school.backup"]


@pytest.mark.usefixtures("context")
def test_a_disk_without_links_takes_backups_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)  # as the file system of most memory sticks does
    file = tmp_path / "school.backup"
    _backed_up(file)
    with moving.opened(file):
        pass
    with pytest.raises(FileExistsError):
        _backed_up(file)


_made: dict[str, bytes] = {}


@pytest.fixture
def backup(context: Flask, server: databases.Server, tmp_path: Path) -> Path:
    """A backup of Ada's school, which is made once for all damages."""
    file, engine = tmp_path / "school.backup", type(server).__name__
    if engine not in _made:
        a_student("Ada", email="ada@example.org")
        _backed_up(file)
        _made[engine] = file.read_bytes()
    file.write_bytes(_made[engine])
    return file


def _lose_a_row(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM users WHERE name = 'Ada'")
        connection.commit()


def _change_a_row(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE users SET name = 'Eve' WHERE name = 'Ada'")
        connection.commit()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:40_000])


def _not_ours(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def _no_database(file: Path) -> None:
    file.write_text("Dear diary, " * 100)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_lose_a_row, "is damaged"),
        (_change_a_row, "is damaged"),
        (_cut, "Use another backup"),
        (_not_ours, "isn't a backup"),
        (_no_database, "can't be read"),
        (Path.unlink, "doesn't exist"),
    ],
)
def test_a_damaged_one_is_told_from_a_whole_one(backup: Path, damage: Any, said: str) -> None:
    damage(backup)
    with pytest.raises(moving.BadBackup, match=said), moving.opened(backup):
        pass


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_one_of_an_older_portal_is_brought_up_to_date(
    empty: str, server: databases.Server, tmp_path: Path
) -> None:
    file = tmp_path / "school.backup"
    with portal(empty):
        flask_migrate.upgrade(revision="0030")
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
            connection.exec_driver_sql(
                "INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada')"
            )
            connection.commit()
        _backed_up(file)
    with server.migrated() as url, portal(url), moving.opened(file) as (_, engine):
        with engine.connect() as source, moving.emptied(url) as target:
            assert moving.copy(moving.Database(source), target).tables["users"] == 1
        assert validate().ok


def test_the_commands_say_what_they_did(app: Flask, tmp_path: Path, elsewhere: str) -> None:
    with app.app_context():
        a_student("Ada", email="ada@example.org")
    file = tmp_path / "school.backup"
    run = app.test_cli_runner()
    made = run.invoke(args=["backup", str(file)])
    assert made.exit_code == 0
    assert f"Check it with `flask backup --check {file}`" in made.output
    checked = run.invoke(args=["backup", "--check", str(file)])
    assert checked.exit_code == 0
    assert "is a complete backup of" in checked.output
    again = run.invoke(args=["backup", str(file)])
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1)
    refused = run.invoke(args=["restore", str(file)])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "The target isn't empty" in refused.stderr
    no_backup = run.invoke(args=["restore", __file__])
    assert (no_backup.exit_code, no_backup.stderr.count("\n")) == (2, 1)
    other = databases.portal(elsewhere)
    restored = other.test_cli_runner().invoke(args=["restore", str(file)])
    assert restored.exit_code == 0, restored.output
    assert "restored from the backup of" in restored.output
    with other.app_context():
        db.engine.dispose()


def test_a_copy_says_which_setting_to_change(app: Flask, blank: str) -> None:
    with app.app_context():
        a_student("Ada", email="ada@example.org")
    run = app.test_cli_runner()
    result = run.invoke(args=["db", "copy", blank])
    assert result.exit_code == 0, result.output
    assert "users: 1\n" in result.output
    assert "Now set DATABASE_URL to " in result.output
    refused = run.invoke(args=["db", "copy", "mysql://host/school"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "must start with sqlite:/// or postgresql://" in refused.stderr
