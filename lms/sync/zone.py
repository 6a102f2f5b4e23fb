"""Sums are kept by the days of the school's zone: see `ledger.clocks`."""

import threading
import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import logs, school
from lms.db import db
from lms.ledger import clocks
from lms.transaction import transactional

REST_SECONDS = 600
"""So long others' days stay: machines of different zones would count against each other for ever.
"""
_COUNTING = 7233005
"""Of several workers one counts; the others do not wait for it."""
_Wish = tuple[int, clocks.Changes]


class ZoneFollower:
    """A worker's process as it follows the school's zone, in one thread at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._followed: _Wish | None = None
        self._rests_until = 0.0
        self._has_warned = False

    def follow(self) -> bool:
        """Count by the days of the school's zone; return whether days of another were counted.

        A zone that the environment names, or whose rules have changed with an update, is followed
        too: but not at once where somebody has just left what this process had counted by.
        """
        if not self._turn.acquire(blocking=False):
            return False
        try:
            wish = _unfulfilled()
            if wish is None or self._rests_from(wish) or not _follow():
                return False
            self._followed, self._has_warned = wish, False
            self._rests_until = time.monotonic() + REST_SECONDS
            return True
        finally:
            self._turn.release()

    def _rests_from(self, wish: _Wish) -> bool:
        if wish != self._followed or time.monotonic() >= self._rests_until:
            return False
        if not self._has_warned:
            logs.warn("days_counted_by_others", minutes=REST_SECONDS // 60)
            self._has_warned = True
        return True


def follow_zone_at_start(*, of_portal: bool) -> None:
    """Follow the zone that the environment names, unless that takes long: then a worker will.

    Of a command it is followed only where none has been yet.
    """
    if _unfulfilled() is not None:
        follow = clocks.follow_zone_if_quick if of_portal else clocks.follow_zone_of_command
        transactional(follow)()


def _unfulfilled() -> _Wish | None:
    """Return by which clocks to count, and the version of the settings; None if all is."""
    try:
        session = db.session()
        if clocks.is_followed(session):
            return None
        kept = school.read(session)
        return kept.version, clocks.changes_of(school.told(kept).time_zone)
    finally:
        db.session.rollback()


@transactional
def _follow(session: Session) -> bool:
    if session.get_bind().dialect.name == "postgresql":
        turn = select(func.pg_try_advisory_xact_lock(_COUNTING))
        if not session.scalar(turn):
            return False
    return clocks.follow_zone(session)
