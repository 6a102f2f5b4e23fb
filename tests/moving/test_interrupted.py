"""A copy that is killed leaves no school, and the same command finishes it."""

import signal
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from lms import create_app, moving, schema
from lms.db import db
from lms.moving import copying
from lms.moving.rows import TABLES
from lms.sync import validate
from lms.unfinished import UnfinishedCopyError
from tests import databases
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.forks import exit_code
from tests.moving import killed


class _InterruptedError(Exception):
    """As a connection that is lost would do it."""


def _driver(address: str) -> str:
    return address.replace("postgresql://", "postgresql+psycopg://")


def _killed_at(source: str, target: str, step: int) -> None:
    """Copy in a process of its own, which is killed when it tells of so many steps."""
    assert exit_code(killed.copy, source, _driver(target), step) == -signal.SIGKILL


def _copied(target: str) -> moving.CopyReport:
    with db.engine.connect() as source, moving.emptied(_driver(target)) as engine:
        return moving.copy(moving.Database(source), engine)


def _refuses_to_start(address: str) -> bool:
    with create_app(databases.settings(address)).app_context():
        try:
            with pytest.raises(UnfinishedCopyError, match="holds only part of the school"):
                flask_migrate.upgrade()
            with pytest.raises(UnfinishedCopyError), db.engine.connect() as connection:
                moving.Database(connection).check()
        finally:
            db.engine.dispose()
    return True


def test_killed_at_any_table_it_is_no_school_and_is_finished_by_the_same_command(
    demo_school: Flask, elsewhere: str, tmp_path: Path
) -> None:
    database_url = str(demo_school.config["DATABASE_URL"])
    steps = 0

    def count(_done: int, _total: int) -> None:
        nonlocal steps
        steps += 1

    with db.engine.connect() as source, moving.emptied(f"sqlite:///{tmp_path / 'x.db'}") as target:
        whole = moving.copy(moving.Database(source), target, progress=count)
    # In the first table, between two, in the last one; and while all are compared.
    for step in (1, steps // 4, steps // 2, steps):
        _killed_at(database_url, elsewhere, step)
        assert _refuses_to_start(elsewhere)
    report = _copied(elsewhere)
    assert report.was_interrupted
    assert report.kept == [table.name for table in TABLES]
    assert report.digests == whole.digests
    with create_app(databases.settings(elsewhere)).app_context():
        assert validate().ok
        assert schema.missing() == []
        db.session.remove()
        db.engine.dispose()


@pytest.mark.usefixtures("context")
def test_interrupted_anywhere_it_is_finished_with_every_row(elsewhere: str) -> None:
    a_student("Ada", email="ada@example.org")
    a_course("Tides")
    last = 0
    while True:
        last += 1
        calls = 0

        def stopping(_done: int, _total: int, stop: int = last) -> None:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise _InterruptedError

        try:
            with db.engine.connect() as source, moving.emptied(_driver(elsewhere)) as target:
                report = moving.copy(moving.Database(source), target, progress=stopping)
            break
        except _InterruptedError:
            assert last < 100
    assert report.tables["users"] == report.tables["courses"] == 1
    assert last > 2
    assert _one(elsewhere, "SELECT count(*) FROM users") == 1
    with create_app(databases.settings(elsewhere)).app_context():
        flask_migrate.upgrade()  # which refuses what is no school yet
        db.engine.dispose()


@pytest.mark.usefixtures("context")
def test_what_has_changed_meanwhile_is_copied_anew(elsewhere: str, sql: Sql) -> None:
    a_student("Ada", email="ada@example.org")
    a_course("Tides")
    _interrupt(elsewhere)
    sql("UPDATE courses SET title = 'Stars'")
    report = _copied(elsewhere)
    assert (report.was_interrupted, report.kept) == (True, [])
    assert _one(elsewhere, "SELECT title FROM courses") == "Stars"
    assert _one(elsewhere, "SELECT count(*) FROM users") == 1


@pytest.mark.usefixtures("context")
def test_what_another_release_has_begun_is_left_alone(elsewhere: str) -> None:
    a_student("Ada", email="ada@example.org")
    _interrupt(elsewhere)
    _one(elsewhere, "UPDATE unfinished_copy SET value = 'x' WHERE name = 'columns'", reads=False)
    with pytest.raises(moving.NotEmpty, match="it was started by another release"):
        _copied(elsewhere)


def _interrupt(elsewhere: str) -> None:
    def stop(done: int, total: int) -> None:
        if 2 * done > total:
            raise _InterruptedError

    with (
        pytest.raises(_InterruptedError),
        db.engine.connect() as source,
        moving.emptied(_driver(elsewhere)) as target,
    ):
        copying.copy(moving.Database(source), target, progress=stop)


def _one(address: str, statement: str, *, reads: bool = True) -> object:
    engine = create_engine(_driver(address))
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        found = result.scalar() if reads else None
    engine.dispose()
    return found
