"""How far a standby is behind its primary, and whether it can be read at all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from lms import logs, metrics
from lms.db import db
from lms.postgresql import Standing, begin_behind, standing
from lms.questions import Probe

MOST_BEHIND = timedelta(seconds=30)
"""A standby that is further behind isn't read."""
CATCH_UP_SECONDS = 1.0
"""How long whoever wants all that there is waits for a standby to come so far."""
ANSWER_SECONDS = 0.5
"""How long a standby may take to tell how far it is: one that hangs must not hold pages."""
REST_SECONDS = 5.0
"""How long one that couldn't be used is left alone."""
UNREACHABLE = "the standby can't be reached"
_PAUSE_SECONDS = 0.02
_TOLD_EACH = 60.0
"""How many seconds are between two lines of the log about the same trouble."""


class NotUsableError(Exception):
    """A standby can't be read for now; `rests` tells whether it is left alone for a while."""

    def __init__(self, reason: str, *, rests: bool = True) -> None:
        super().__init__(reason)
        self.rests = rests


class Watch:
    """What a process knows of its standby."""

    def __init__(self) -> None:
        self._probe = Probe[Standing]()
        self._rests_until = 0.0
        self._told_at: dict[str, float] = {}

    @property
    def rests(self) -> bool:
        """Whether it is left alone, since it couldn't be used a moment ago."""
        return time.monotonic() < self._rests_until

    def leave(self, reason: str, *, rests: bool) -> None:
        """Have the log say why the primary is read instead."""
        moment = time.monotonic()
        metrics.count_left_standby(reason)
        if rests:
            self._rests_until = moment + REST_SECONDS
        if moment - self._told_at.get(reason, -_TOLD_EACH) >= _TOLD_EACH:
            self._told_at[reason] = moment
            logs.warn("figures and exports are read from the primary", reason=reason)

    def hear(self, engine: Engine) -> None:
        """Have the standby say anything at all, soon; raises NotUsableError."""
        self._probe.ask(lambda: _standing_of(engine))
        heard = self._probe.heard(time.monotonic() + ANSWER_SECONDS)
        if heard.answer is None or heard.age > ANSWER_SECONDS:
            raise NotUsableError("the standby doesn't answer")


_watches: WeakKeyDictionary[Engine, Watch] = WeakKeyDictionary()


def watch_of(engine: Engine) -> Watch:
    """Return what this process knows of a standby."""
    return _watches.setdefault(engine, Watch())


def reached(engine: Engine) -> Standing | None:
    """Return where a server is; None if it can't be reached, which the log then says."""
    try:
        return _standing_of(engine)
    except DBAPIError:
        watch_of(engine).leave(UNREACHABLE, rests=False)
        return None


@contextmanager
def snapshot(engine: Engine, *, may_lag: bool) -> Iterator[tuple[Connection, datetime]]:
    """Lend a connection that begins to read the standby, and the moment until which it has all.

    Raises NotUsableError where that is too long ago, or before this call if it may not lag. What
    has been heard from one connection says nothing of the next: it may lead to another server.
    """
    primary = _standing_of(db.engine)
    if primary.is_standby:
        raise NotUsableError("DATABASE_URL leads to a standby, too")
    watch = watch_of(engine)
    watch.hear(engine)
    deadline = time.monotonic() + (0 if may_lag else CATCH_UP_SECONDS)
    with engine.connect() as connection:
        while (there := _following(connection, primary)).written < primary.written:
            if time.monotonic() >= deadline:
                break
            connection.rollback()
            time.sleep(_PAUSE_SECONDS)
            watch.hear(engine)
        yield connection, _complete_until(there, primary, may_lag=may_lag)


def _following(connection: Connection, primary: Standing) -> Standing:
    """Begin to read a standby of this primary; return where it was."""
    there = begin_behind(connection)
    if there.place != primary.place:
        raise NotUsableError("DATABASE_READ_URL leads to another database")
    if there.timeline != primary.timeline:
        raise NotUsableError("the standby doesn't follow this primary")
    return there


def _complete_until(there: Standing, primary: Standing, *, may_lag: bool) -> datetime:
    if there.written >= primary.written:
        return primary.at
    # Long ago while nothing has happened; but then it has soon come as far as the primary.
    until = there.replayed_at
    if may_lag and until is not None and primary.at - until <= MOST_BEHIND:
        return until
    raise NotUsableError("the standby is behind", rests=False)


def _standing_of(engine: Engine) -> Standing:
    with engine.connect() as connection:
        return standing(connection)
