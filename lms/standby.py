"""Reads from a standby, which may lag: figures, exports and checks, never what a verb decides.

First the primary tells how far its log is; then the connection that is to read tells how far its
server has come: all of that is in its snapshot. Whatever is amiss, the primary is read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.orm import Session

from lms.db import behind, db
from lms.lag import UNREACHABLE, NotUsableError, snapshot, watch_of
from lms.live import Topic, summed

R = TypeVar("R")

_reading: ContextVar[bool] = ContextVar("reading_a_standby", default=False)


@dataclass(frozen=True)
class Read(Generic[R]):
    """What was read, and how old it is."""

    value: R
    as_of: datetime | None = None
    """Until when all changes are in it, if a standby was read."""
    seen: int = 0
    """The version of the topics, as the standby had it in the same snapshot."""


def read(act: Callable[[], R], *, topics: tuple[Topic, ...] = (), may_lag: bool = False) -> Read[R]:
    """Return what a call reads by `db.session`, from the standby where that is possible.

    Unless it may lag, all that was committed before is in it. The call is made again, on the
    primary, if the standby fails meanwhile: so it does nothing but read, to the end.
    """

    def in_session(connection: Connection) -> R:
        with _instead_of_the_primary(connection):
            return act()

    return _tried(in_session, topics, may_lag=may_lag) or Read(act())


def read_on(act: Callable[[Connection], R]) -> R:
    """Return what a call reads on a connection of its own; all committed before is in it."""
    if (found := _tried(act, (), may_lag=False)) is not None:
        return found.value
    with db.engine.connect() as connection:
        return act(connection)


def is_read() -> bool:
    """Return whether `db.session` reads a standby here, so that nothing may be decided."""
    return _reading.get()


def _tried(
    act: Callable[[Connection], R], topics: tuple[Topic, ...], *, may_lag: bool
) -> Read[R] | None:
    """Return what the standby says; None if there is none that could be read."""
    if (engine := behind()) is None or (watch := watch_of(engine)).rests:
        return None
    try:
        with snapshot(engine, may_lag=may_lag) as (connection, as_of):
            seen = int(connection.scalar(summed(topics)) or 0) if topics else 0
            return Read(act(connection), as_of, seen)
    except NotUsableError as trouble:
        watch.leave(str(trouble), rests=trouble.rests)
    except NoConnectionFreeError:
        watch.leave("all connections to the standby are in use", rests=False)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or state is None:
            watch.leave(UNREACHABLE, rests=True)
        else:  # 40001: it had to end the read, to go on repeating what the primary does
            watch.leave(f"the standby refused the read ({state})", rests=False)
    return None


@contextmanager
def _instead_of_the_primary(connection: Connection) -> Iterator[None]:
    registry = db.session.registry
    own, token = registry(), _reading.set(True)
    try:
        with Session(connection, autoflush=False) as session:
            registry.set(session)  # type: ignore[arg-type]  # Flask's own would read the primary
            yield
    finally:
        registry.set(own)
        _reading.reset(token)
