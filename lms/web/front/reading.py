"""Who is asking and what has changed, read in one statement past SQLAlchemy's execution.

Building and running it as pages do would cost five times as much as all else about a poll. The
statement itself is theirs; only one moment is ever read, after the poll has come in.
"""

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast

import psycopg
from flask import Flask
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Engine,
    String,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.exc import SQLAlchemyError

from lms import postgresql
from lms.db import UtcDateTime, db, now
from lms.models import SignIn, User, Version, lacks_factor
from lms.queries.calendar import calendar
from lms.queries.people import VIEWED, seen_as, valid_sign_ins, viewer
from lms.web.live import Asking

_log = logging.getLogger(__name__)
_MOST_STATES = 20_000
_MINUTE = len("2000-01-01 00:00")
_FAILURES = (sqlite3.Error, psycopg.Error, SQLAlchemyError)


class State(NamedTuple):
    """What a poll is compared with."""

    user: Asking
    versions: dict[str, int]

    def version(self, topic: str) -> int:
        """Return the version of a topic."""
        return self.versions.get(topic, 0)


class Reader(Protocol):
    """Reads the state for a sign-in; None if it has ended, or the database does not answer."""

    async def state(self, token: str) -> State | None:
        """Return the state as of now."""

    def close(self) -> None:
        """Close the connection."""


def reader(app: Flask) -> Reader:
    """Return the reader for the portal's database; it connects when it is first asked."""
    with app.app_context():
        engine = db.engine
    required_of = app.config["LMS_SECOND_FACTOR"]
    kind = _Sqlite if engine.dialect.name == "sqlite" else _Postgresql
    return kind(engine, required_of)


class _Sqlite:
    """Reads in the event loop: it takes less time than handing it to a thread.

    What it has read is good until SQLite's own counter says that anybody has committed since, and
    as long as the clocks show the same minute: days and months begin without a commit.
    """

    def __init__(self, engine: Engine, factor_required_of: str) -> None:
        self._engine = engine
        wanted = SignIn.token_hash == bindparam("token")
        compiled = _statement(wanted, factor_required_of).compile(engine)
        self._sql = str(compiled)
        self._parameters = compiled.positiontup or []
        self._connection: sqlite3.Connection | None = None
        self._as_of: object = None
        self._states: dict[str, tuple[State, str]] = {}

    async def state(self, token: str) -> State | None:
        moment = _stored(now(), self._engine)
        try:
            connection = self._connection or self._connect()
            as_of = (connection.execute("PRAGMA data_version").fetchone(), moment[:_MINUTE])
            if as_of != self._as_of or len(self._states) > _MOST_STATES:
                self._as_of = as_of
                self._states.clear()
            if token not in self._states:
                values = {"token": token, "now": moment}
                given = [values[name] for name in self._parameters]
                self._states |= _states(connection.execute(self._sql, given).fetchall())
        except _FAILURES:
            self.close()
            return None
        state, expires_at = self._states.get(token, (None, ""))
        return state if expires_at > moment else None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        self._as_of = None
        if connection is not None:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        pooled = self._engine.raw_connection()
        connection = cast("sqlite3.Connection", pooled.driver_connection)
        self._connection = connection
        pooled.detach()  # made like all others, and not given back
        # A reader of a WAL waits for nobody but who recovers it: pages may, polls do not.
        connection.execute("PRAGMA busy_timeout=50")
        connection.execute("PRAGMA query_only=ON")
        return connection


class _Postgresql:
    """Reads in one thread, for all polls at once that came in while it read for those before."""

    def __init__(self, engine: Engine, factor_required_of: str) -> None:
        self._engine = engine
        wanted = SignIn.token_hash == any_(bindparam("tokens", type_=ARRAY(String)))
        self._sql = str(_statement(wanted, factor_required_of).compile(engine))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="polls")
        self._connection: psycopg.Connection[Any] | None = None
        self._waiting: list[tuple[str, asyncio.Future[State | None]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def state(self, token: str) -> State | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[State | None] = loop.create_future()
        self._waiting.append((token, answer))
        if self._reading is None:
            self._reading = loop.create_task(self._read_all())
        return await answer

    def close(self) -> None:
        self._thread.submit(self._disconnect)
        self._thread.shutdown(wait=False)

    async def _read_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            asked, self._waiting = self._waiting, []
            tokens = [token for token, _ in asked]
            states = await loop.run_in_executor(self._thread, self._read, tokens)
            for token, answer in asked:
                if not answer.done():  # the client may have gone
                    answer.set_result(states[token][0] if token in states else None)
        self._reading = None

    def _read(self, tokens: list[str]) -> dict[str, tuple[State, str]]:
        """Return the states; none if anything fails: no poll may wait for an answer forever."""
        try:
            if self._connection is None:
                self._connection = postgresql.own_connection(self._engine)
            values = {"tokens": tokens, "now": _stored(now(), self._engine)}
            return _states(self._connection.execute(self._sql, values).fetchall())
        except _FAILURES:
            self._disconnect()
        except Exception:  # noqa: BLE001 - Flask answers then, and finds it for itself
            _log.exception("polls couldn't be compared with the database")
            self._disconnect()
        return {}

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()


def _statement(wanted: ColumnElement[bool], factor_required_of: str) -> CompoundSelect[Any]:
    """Return the SELECT of the sign-ins wanted, of every topic's version, and of the calendar.

    Who has to set up a second factor first is nobody here: Flask leads them there.
    """
    own_end, view_end = SignIn.expires_at, SignIn.viewed_until
    ends_first = and_(VIEWED.id.is_not(None), view_end < own_end)
    shown = (seen_as("id"), seen_as("role"), seen_as("version"))
    facts = (SignIn.token_hash, *shown, case((ends_first, view_end), else_=own_end), viewer())
    total = func.sum(Version.value).cast(User.version.type)
    none: tuple[Any, ...] = (literal_column("0"), literal_column("''"), total, null(), null())
    topics = select(Version.topic, *none).group_by(Version.topic)
    nobody: tuple[Any, ...] = (literal_column("''"), literal_column("0"))
    today = select(*nobody, calendar(), null(), null(), null())
    people = valid_sign_ins(*facts).where(wanted)
    if factor_required_of != "optional":
        people = people.where(~lacks_factor(factor_required_of))
    return union_all(people, topics, today)


def _states(rows: list[Any]) -> dict[str, tuple[State, str]]:
    """Return each token's state, and until when its sign-in, or what it views, lasts."""
    versions = {name: version for name, user_id, _, version, *_ in rows if name and not user_id}
    [today] = [shown for name, _, shown, *_ in rows if not name]
    return {
        token: (State(Asking(user_id, role, version, viewer_id, today), versions), ends_at)
        for token, user_id, role, version, ends_at, viewer_id in rows
        if user_id
    }


def _stored(moment: datetime, engine: Engine) -> Any:
    return UtcDateTime().process_bind_param(moment, engine.dialect)
