"""A verb is one transaction: whole or not at all, and again after a conflict."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

import lms.db
from lms import enrollment, outages, transaction
from lms.db import db, writer
from lms.models import Course, User
from lms.outages import OutcomeUnknownError
from lms.refusals import Refusal
from lms.transaction import ATTEMPTS, transactional
from tests import databases
from tests.builders import a_student
from tests.conftest import Sql
from tests.databases import Postgresql
from tests.patience import PATIENCE

Holding = Callable[[float], Any]
RETRIED = ("40001", "40P01", "55P03")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both engines wait for a lock for 50 ms instead of 10 s; use before `context`."""
    monkeypatch.setitem(lms.db._SQLITE_OPTIONS["connect_args"], "timeout", 0.05)
    monkeypatch.setattr(lms.db, "WAIT_SECONDS", 0.05)


@pytest.fixture
def fresh(impatient: None, database_url: str) -> Iterator[Flask]:
    """The portal with an engine of its own, which the settings above reach."""
    app = lms.create_app(databases.settings(database_url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def on_postgresql(postgresql: Postgresql) -> Iterator[Flask]:
    """The portal in its context, on PostgreSQL alone."""
    with postgresql.migrated() as url:
        app = lms.create_app(databases.settings(url))
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


@transactional
def add_course(session: Session, title: str) -> int:
    course = Course(title=title)
    session.add(course)
    session.flush()
    return course.id


def titles() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Course.title).order_by(Course.id)))


def test_a_verb_commits_and_returns_what_its_step_does(context: Flask) -> None:
    course = add_course("Algebra")
    assert db.session.get_one(Course, course).title == "Algebra"


@pytest.mark.parametrize("error", [Refusal("no"), KeyError("bug")])
def test_a_verb_that_raises_changes_nothing(context: Flask, error: Exception) -> None:
    @transactional
    def fail(session: Session) -> None:
        session.add(Course(title="Algebra"))
        session.flush()
        raise error

    with pytest.raises(type(error)):
        fail()
    assert titles() == []
    add_course("Botany")
    assert titles() == ["Botany"]


def test_a_verb_inside_another_is_refused_and_changes_nothing(context: Flask) -> None:
    @transactional
    def outer(session: Session) -> None:
        session.add(Course(title="Algebra"))
        add_course("Botany")

    with pytest.raises(RuntimeError, match="add_course was called inside"):
        outer()
    assert titles() == []


def test_other_threads_may_run_verbs_meanwhile(context: Flask, sql: Sql) -> None:
    def elsewhere() -> None:
        with context.app_context():
            add_course("Botany")

    thread = threading.Thread(target=elsewhere)

    @transactional
    def slow(session: Session) -> None:
        thread.start()  # waits for the one writer of SQLite, and must not see this verb's flag

    slow()
    thread.join()
    assert titles() == ["Botany"]


def test_what_was_read_before_a_verb_is_read_anew_after_it(context: Flask) -> None:
    student = a_student()
    before = db.session.get_one(User, student)
    enrollment.rename_user(student, "Ada King", by=student)
    assert db.session.get_one(User, student).name == "Ada King"
    assert before.name == "Ada"


def test_a_broken_constraint_is_not_tried_again(context: Flask) -> None:
    attempts = []

    @transactional
    def fail(session: Session) -> None:
        attempts.append(1)
        session.execute(update(User).values(role="teacher"))

    a_student()
    with pytest.raises(IntegrityError):
        fail()
    assert len(attempts) == 1


def test_no_sqlstate_is_retried_without_a_test() -> None:
    assert set(RETRIED) == outages._RETRIED_SQLSTATES


@pytest.mark.parametrize("sqlstate", RETRIED)
def test_a_verb_that_postgresql_ends_for_a_conflict_runs_again(
    on_postgresql: Flask, sqlstate: str
) -> None:
    attempts = []

    @transactional
    def conflict_once(session: Session) -> None:
        attempts.append(1)
        session.add(Course(title="Algebra"))
        session.flush()
        if len(attempts) == 1:
            session.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))

    conflict_once()
    assert len(attempts) == 2
    assert titles() == ["Algebra"]


def test_a_verb_that_waits_too_long_for_a_lock_runs_again(fresh: Flask) -> None:
    add_course("Algebra")
    attempts = []

    @transactional
    def rename(session: Session) -> None:
        attempts.append(1)
        session.execute(update(Course).values(title="Botany"))

    with _held(fresh.config["DATABASE_URL"], 0.4):
        rename()
    assert titles() == ["Botany"]
    if db.engine.dialect.name == "postgresql":  # SQLite's BEGIN fails, before the step is run
        assert len(attempts) > 1


def test_a_verb_that_waits_too_long_for_another_of_its_process_runs_again(fresh: Flask) -> None:
    has_begun = threading.Event()

    def elsewhere() -> None:
        with fresh.app_context():
            slow()

    @transactional
    def slow(session: Session) -> None:
        session.add(Course(title="Algebra"))
        session.flush()
        has_begun.set()
        time.sleep(0.4)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert has_begun.wait(PATIENCE)
    add_course("Botany")
    thread.join()
    assert titles() == ["Algebra", "Botany"]


def test_a_portal_that_writes_first_knows_its_server(fresh: Flask) -> None:
    with writer(db.engine).connect() as connection:  # as migrations do
        assert inspect(connection).get_columns("users")


def test_a_lock_that_is_never_released_is_an_error_in_the_end(fresh: Flask) -> None:
    add_course("Algebra")

    @transactional
    def rename(session: Session) -> None:
        session.execute(update(Course).values(title="Botany"))

    with _held(fresh.config["DATABASE_URL"], 30), pytest.raises(OperationalError):
        rename()
    assert titles() == ["Algebra"]


def test_verbs_that_deadlock_both_succeed(on_postgresql: Flask) -> None:
    first, second = add_course("A"), add_course("B")
    meet = threading.Barrier(2)
    attempts = []

    @transactional
    def rename_both(session: Session, order: tuple[int, int]) -> None:
        attempts.append(order)
        for course in order:
            session.execute(update(Course).where(Course.id == course).values(title="C"))
            if attempts.count(order) == 1 and course == order[0]:
                meet.wait(PATIENCE)

    def run(order: tuple[int, int]) -> None:
        with on_postgresql.app_context():
            rename_both(order)

    orders = (first, second), (second, first)
    threads = [threading.Thread(target=run, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # More than once where the other is slow to wake: its lock is free for who comes first.
    assert len(attempts) >= 3
    assert titles() == ["C", "C"]


def test_a_verb_whose_connection_is_lost_runs_again(on_postgresql: Flask) -> None:
    attempts = []

    @transactional
    def add(session: Session) -> None:
        attempts.append(1)
        session.add(Course(title="Algebra"))
        session.flush()
        if len(attempts) == 1:
            _terminate(on_postgresql, session.scalar(text("SELECT pg_backend_pid()")))

    add()
    assert len(attempts) == 2
    assert titles() == ["Algebra"]


def test_a_connection_that_was_lost_while_idle_is_no_error(on_postgresql: Flask) -> None:
    with writer(db.engine).connect() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    _terminate(on_postgresql, pid)
    add_course("Algebra")
    assert titles() == ["Algebra"]


def test_a_commit_whose_answer_is_lost_is_not_made_twice(
    on_postgresql: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = _lose_connection(monkeypatch, before_commit=False)
    add_course("Algebra")
    assert titles() == ["Algebra"]
    assert len(attempts) == 1


def test_a_commit_that_was_lost_is_made_again(
    on_postgresql: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = _lose_connection(monkeypatch, before_commit=True)
    add_course("Algebra")
    assert titles() == ["Algebra"]
    assert len(attempts) == 2


def test_a_commit_of_which_nobody_can_tell_is_an_error_and_not_made_again(
    on_postgresql: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = _lose_connection(monkeypatch, before_commit=False, reconnects=False)
    with pytest.raises(OutcomeUnknownError):
        add_course("Algebra")
    assert len(attempts) == 1


def test_a_commit_that_is_still_under_way_is_waited_for(on_postgresql: Flask) -> None:
    with writer(db.engine).connect() as slow:
        slow.execute(text("SELECT pg_current_xact_id()"))
        number, server = slow.execute(transaction._ASSIGNED).one()
        commit = threading.Timer(0.05, slow.commit)
        commit.start()
        assert transaction._has_committed((number, server))
        commit.join()


def test_a_server_that_cannot_be_reached_is_tried_again_and_then_an_error(tmp_path: Any) -> None:
    app = lms.create_app(databases.settings(f"postgresql://localhost/lms?host={tmp_path}"))
    with app.app_context(), pytest.raises(OperationalError):
        add_course("Algebra")


def test_a_server_that_says_nothing_is_not_tried_for_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transaction, "AWAY_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        app = lms.create_app(databases.settings(f"postgresql://{place}/lms?connect_timeout=2"))
        with app.app_context():
            with pytest.raises(OperationalError):
                add_course("Algebra")
            with pytest.raises(OutcomeUnknownError):
                transaction._has_committed(("1", "2026-01-01 00:00:00+00"))
        silent.setblocking(False)
        for _ in range(2):
            silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_there_are_several_attempts() -> None:
    assert ATTEMPTS > 3


@contextmanager
def _held(url: str, seconds: float) -> Iterator[None]:
    """Hold the courses (on SQLite: the database) from another connection for some time."""
    holder = lms.create_app(databases.settings(url))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with holder.app_context(), writer(db.engine).connect() as connection:
            connection.execute(text("UPDATE courses SET title = title"))
            held.set()
            done.wait(seconds)
            connection.rollback()
        with holder.app_context():
            db.engine.dispose()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _terminate(app: Flask, pid: int | None) -> None:
    with psycopg.connect(app.config["DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _lose_connection(
    monkeypatch: pytest.MonkeyPatch, *, before_commit: bool, reconnects: bool = True
) -> list[int]:
    """Cut the line at the next COMMIT, before or after the server did it; count the COMMITs."""
    dialect, commits = db.engine.dialect, list[int]()
    commit, connect = dialect.do_commit, dialect.connect

    def cut(connection: Any) -> None:
        commits.append(1)
        if len(commits) > 1:
            commit(connection)
            return
        if not before_commit:
            commit(connection)
        connection.driver_connection.close()
        if not reconnects:
            monkeypatch.setattr(dialect, "connect", refuse)
        raise psycopg.OperationalError("the connection is lost")

    def refuse(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(dialect, "do_commit", cut)
    monkeypatch.setattr(dialect, "connect", connect)
    return commits
