"""The only way to change the database: a verb is one transaction, retried whole on conflict."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from lms.db import db, writer
from lms.live import publish

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 8
_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)
_checks_references: ContextVar[bool] = ContextVar("checks_references", default=True)


def transactional(step: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Make a step that takes a session into a verb that commits once, or changes nothing.

    The whole verb runs again after a deadlock, a lock timeout or a lost connection. A connection
    lost during COMMIT may have committed: every verb is idempotent, so running again is safe.
    """

    @wraps(step)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        if _inside.get():
            raise RuntimeError(f"{step.__name__} was called inside another verb's transaction")
        # What this request read so far is a snapshot of the past: end it before the change.
        db.session.close()
        for attempt in range(1, ATTEMPTS):
            try:
                return _run(step, *args, **kwargs)
            except DBAPIError as error:
                if not _is_transient(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, no secret
        return _run(step, *args, **kwargs)

    return verb


@contextmanager
def without_references() -> Iterator[None]:
    """Let repairs run where a restored SQLite database refuses every change; see `db.writer`."""
    token = _checks_references.set(False)
    try:
        yield
    finally:
        _checks_references.reset(token)


def _run(step: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    token = _inside.set(True)
    try:
        engine = writer(db.engine, checks_references=_checks_references.get())
        with Session(
            engine, info={"writable": True}, expire_on_commit=False, autoflush=False
        ) as session:
            result = step(session, *args, **kwargs)
            publish(session)
            session.commit()
            return result
    finally:
        _inside.reset(token)


def _is_transient(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    if (sqlstate := getattr(error.orig, "sqlstate", None)) is not None:
        return sqlstate in _RETRIED_SQLSTATES
    return "database is locked" in str(error.orig)
