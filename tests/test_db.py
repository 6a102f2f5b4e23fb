"""The engine's settings, times, and the guard against writes outside of verbs."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lms.db import UnguardedWriteError, UtcDateTime, db, now, writer
from lms.models import Course, User, Version
from lms.statements import run
from lms.transaction import transactional
from tests.builders import a_student
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def course(sql: Sql) -> Course:
    sql("INSERT INTO courses (title) VALUES ('Algebra')")
    return db.session.scalars(select(Course)).one()


def test_a_new_object_outside_a_verb_is_refused(sql: Sql) -> None:
    db.session.add(Course(title="Algebra"))
    with pytest.raises(UnguardedWriteError):
        db.session.commit()
    db.session.rollback()
    assert sql("SELECT id FROM courses") == []


def test_a_changed_object_outside_a_verb_is_refused(course: Course, sql: Sql) -> None:
    course.title = "Botany"
    with pytest.raises(UnguardedWriteError):
        db.session.flush()
    db.session.rollback()
    assert sql("SELECT title FROM courses") == [("Algebra",)]


def test_a_deleted_object_outside_a_verb_is_refused(course: Course) -> None:
    db.session.delete(course)
    with pytest.raises(UnguardedWriteError):
        db.session.commit()


@pytest.mark.parametrize(
    "statement",
    [
        insert(Course).values(title="Algebra"),
        update(Course).values(title="Botany"),
        delete(Course),
        insert(Course.__table__).values(title="Algebra"),  # type: ignore[arg-type]  # a Table
        select(insert(Course).values(title="Algebra").returning(Course.id).cte()),
        text("INSERT INTO courses (title) VALUES ('Algebra')"),
    ],
    ids=["insert", "update", "delete", "table", "cte", "text"],
)
def test_a_statement_that_changes_outside_a_verb_is_refused(
    course: Course, sql: Sql, statement: Any
) -> None:
    before = sql("SELECT * FROM courses")
    with pytest.raises((UnguardedWriteError, DBAPIError)):
        db.session.execute(statement)
    db.session.rollback()
    assert sql("SELECT * FROM courses") == before


def test_a_statement_past_the_orm_meets_the_guard_too(course: Course, sql: Sql) -> None:
    with pytest.raises(UnguardedWriteError):
        run(db.session(), delete(Course))
    assert sql("SELECT id FROM courses") == [(course.id,)]


def test_neither_bulk_operations_nor_the_connection_get_past_the_guard(sql: Sql) -> None:
    with pytest.raises((UnguardedWriteError, DBAPIError)):
        db.session.bulk_save_objects([Course(title="Algebra")])
    db.session.rollback()
    with pytest.raises(DBAPIError):
        db.session.connection().execute(insert(Course).values(title="Algebra"))
    db.session.rollback()
    with pytest.raises(DBAPIError), db.engine.begin() as connection:
        connection.execute(insert(Course).values(title="Algebra"))
    assert sql("SELECT id FROM courses") == []


def test_a_reader_does_not_keep_the_next_writer_from_writing(sql: Sql) -> None:
    with db.engine.connect() as connection:
        connection.execute(select(1))
    a_student()
    assert len(sql("SELECT id FROM users")) == 1


def test_a_page_sees_one_moment_from_its_first_statement_on(sql: Sql) -> None:
    sql("INSERT INTO versions (topic, shard, value) VALUES ('sync', 0, 1)")
    first = db.session.scalar(select(Version.value))
    sql("UPDATE versions SET value = 2")
    assert db.session.scalar(select(Version.value)) == first == 1
    db.session.rollback()
    assert db.session.scalar(select(Version.value)) == 2


def test_a_verb_sees_what_was_committed_while_it_waited(context: Flask, sql: Sql) -> None:
    sql("INSERT INTO versions (topic, shard, value) VALUES ('sync', 0, 1)")
    increment = text("UPDATE versions SET value = value + 1")
    locked = threading.Event()

    def other() -> None:
        with context.app_context(), writer(db.engine).begin() as connection:
            connection.execute(increment)
            locked.set()
            threading.Event().wait(0.2)

    thread = threading.Thread(target=other)
    thread.start()
    locked.wait()
    with writer(db.engine).begin() as connection:
        seen = connection.scalar(select(Version.value).with_for_update())
        connection.execute(update(Version).values(value=(seen or 0) + 1))
    thread.join()
    assert sql("SELECT value FROM versions") == [(3,)]


def test_sqlite_is_durable_and_checks_references(context: Flask, sql: Sql) -> None:
    if db.engine.dialect.name == "postgresql":
        assert sql("SHOW lock_timeout") == [("10s",)]
        assert sql("SHOW timezone") == [("UTC",)]
        return
    pragmas = {
        name: sql(f"PRAGMA {name}")[0][0]
        for name in ("foreign_keys", "journal_mode", "synchronous")
    }
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2}


def test_on_sqlite_no_connection_turns_from_reading_to_writing(context: Flask) -> None:
    used = []
    for engine in (db.engine, writer(db.engine)):
        with engine.connect() as connection:
            used.append(connection.connection.driver_connection)
    assert (used[0] is used[1]) == (db.engine.dialect.name == "postgresql")


def test_a_time_comes_back_as_it_was_and_in_utc(sql: Sql) -> None:
    eastern = timezone(timedelta(hours=-5))
    moment = datetime(2026, 3, 1, 22, 30, 15, 123456, tzinfo=eastern)

    @transactional
    def put(session: Session) -> None:
        session.add(Course(title="Algebra", created_at=moment))

    put()
    stored = db.session.scalars(select(Course.created_at)).one()
    assert stored == moment
    assert stored.tzinfo is UTC
    assert db.session.scalar(select(Course.id).where(Course.created_at == moment)) == 1


@pytest.mark.parametrize(
    "written", ["2026-01-02 03:04:05", "2026-01-02T03:04:05", "2026-01-02 03:04:05.000000"]
)
def test_times_of_old_dumps_can_be_read(sql: Sql, written: str) -> None:
    sql("INSERT INTO users (email, name, created_at) VALUES ('a@b', 'Ada', :time)", time=written)
    assert db.session.scalars(select(User.created_at)).one() == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the mistake that is refused
    with pytest.raises(ValueError, match="zone"):
        UtcDateTime().process_bind_param(naive, db.engine.dialect)


def test_the_present_is_in_utc() -> None:
    assert now().tzinfo is UTC
