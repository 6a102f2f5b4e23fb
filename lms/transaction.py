"""The only way to change the database: a verb is one transaction, retried whole on conflict."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, String, case, cast, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from lms import logs, standby
from lms.carrying import drop_carriers
from lms.db import db, writer
from lms.live import publish
from lms.outages import OutcomeUnknownError, is_transient
from lms.statements import run

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 8
AWAY_SECONDS = 10
"""How long after it began a verb is tried again for a server that isn't there: where one says
nothing at all, each attempt takes seconds to find that out.
"""
_SERVING: ColumnElement[Any] = cast(func.pg_postmaster_start_time(), String)
"""Which server it is, by its start: another one has a history of its own."""
_ASSIGNED = select(cast(func.pg_current_xact_id_if_assigned(), String), _SERVING)
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)
_joined: ContextVar[Session | None] = ContextVar("joined_transaction", default=None)
_checks_references: ContextVar[bool] = ContextVar("checks_references", default=True)


def transactional(step: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Make a step that takes a session into a verb that commits once, or changes nothing.

    The whole verb runs again after a deadlock, a lock timeout or a lost connection. A connection
    lost during COMMIT may have committed: the database is asked, so that nothing happens twice.
    """

    @wraps(step)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        if (outer := _joined.get()) is not None:
            return _join(outer, step, *args, **kwargs)
        if _inside.get():
            raise RuntimeError(f"{step.__name__} was called inside another verb's transaction")
        if standby.is_read():
            raise RuntimeError(f"{step.__name__} was called where a standby is read, which may lag")
        # What this request read so far is a snapshot of the past: end it before the change.
        db.session.close()
        begun = time.monotonic()
        for attempt in range(1, ATTEMPTS):
            try:
                return _run(step, *args, **kwargs)
            except DBAPIError as error:
                if not is_transient(error) or _is_away_for_long(error, begun):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, no secret
        return _run(step, *args, **kwargs)

    return verb


def is_inside() -> bool:
    """Return whether this is part of a verb's transaction, which must wait for nobody else."""
    return _inside.get()


@contextmanager
def joining(session: Session) -> Iterator[None]:
    """Let the verbs called inside be parts of this transaction: all of them happen, or none.

    For what nobody may see half done, and nobody else takes part in: locks are held to the end.
    """
    token = _joined.set(session)
    try:
        yield
    finally:
        _joined.reset(token)


@contextmanager
def without_references() -> Iterator[None]:
    """Let repairs run where a restored SQLite database refuses every change; see `db.writer`."""
    token = _checks_references.set(False)
    try:
        yield
    finally:
        _checks_references.reset(token)


def _join(
    outer: Session, step: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    token = _joined.set(None)  # a verb inside this one is as wrong as ever
    try:
        with outer.begin_nested():  # what a refused verb has done so far is undone
            result = step(outer, *args, **kwargs)
            publish(outer)
        outer.expunge_all()  # the next verb reads for itself, as in a session of its own
        outer.info.update(topics=set(), students=set())
        return result
    finally:
        logs.never_mind(outer.info)  # a school's past is no news
        _joined.reset(token)


def _run(step: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    token = _inside.set(True)
    try:
        engine = writer(db.engine, checks_references=_checks_references.get())
        with Session(
            engine, info={"writable": True}, expire_on_commit=False, autoflush=False
        ) as session:
            result = step(session, *args, **kwargs)
            drop_carriers(session)
            publish(session)
            transaction_id = _transaction_id(session)
            try:
                session.commit()
            except DBAPIError as error:
                if not error.connection_invalidated or not _has_committed(transaction_id):
                    raise
            logs.committed(session.info)
            return result
    finally:
        _inside.reset(token)


def _transaction_id(session: Session) -> tuple[str, str] | None:
    """Return what names this transaction to other connections; None if it changed nothing."""
    if session.get_bind().dialect.name == "sqlite":
        return None  # its COMMIT cannot get lost on the way
    number, server = run(session, _ASSIGNED).one()
    return None if number is None else (number, server)


def _has_committed(transaction_id: tuple[str, str] | None) -> bool:
    """Determine, over a new connection, the outcome of a transaction whose COMMIT got no answer.

    A standby that has taken over can't tell: it may have missed the transaction, and have given its
    number to another.
    """
    if transaction_id is None:
        return False
    number, server = transaction_id
    is_same: ColumnElement[bool] = literal(server) == _SERVING
    status = case((is_same, func.pg_xact_status(cast(number, _XactId))))
    begun = time.monotonic()
    for attempt in range(1, ATTEMPTS):
        try:
            with writer(db.engine).connect() as connection:
                if (found := connection.scalar(select(status))) is None:
                    break
                if found != "in progress":
                    return bool(found == "committed")
        except DBAPIError as error:
            if not is_transient(error):
                raise
            if _is_away_for_long(error, begun):
                break
        time.sleep(0.01 * 2**attempt)
    raise OutcomeUnknownError(
        "the database went away during COMMIT; check whether the change is there"
    )


def _is_away_for_long(error: DBAPIError, begun: float) -> bool:
    return error.connection_invalidated and time.monotonic() - begun > AWAY_SECONDS


class _XactId(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"
