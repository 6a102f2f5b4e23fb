"""The machine's clock jumps by hours, forth and back, and stands still: nothing else goes wrong."""

import random
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant
from sqlalchemy import select

from lms.db import at, db, now
from lms.models import UNDO_WITHIN, Decision
from tests.faults import test_state_machine as machines
from tests.faults.profile import NIGHTLY

HOURS = 11
"""Two moments lie less than a day apart: money dated further ahead is found, as it should be."""


class SchoolWithABadClock(machines.School):
    """Every verb, in any order, while the clock jumps after each."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = self._stack.enter_context(ExitStack())
        self._real = now()
        self._jumps = random.Random(1)  # noqa: S311 - the same ones in each round

    @invariant()
    def the_trail_will_tell(self) -> None:
        """Take no snapshots: 'as of a moment' has no meaning where a moment comes twice.

        While anybody waits the clock stands: it is what says who came first.
        """
        if self.model.pending or self.model.unseated or self.model.reviewed:
            return
        self._clock.close()
        hours = self._jumps.uniform(-HOURS, HOURS)
        self._clock.enter_context(at(self._real + timedelta(hours=hours)))

    def _is_late_for(self, decision: int) -> bool:
        moment = db.session.scalars(select(Decision.decided_at).where(Decision.id == decision))
        is_late = now() - moment.one() > UNDO_WITHIN
        db.session.rollback()
        return is_late


def _machine(engine: str) -> Any:
    machine: Any = type("Machine", (SchoolWithABadClock,), {"engine": engine})
    rounds = 100 if NIGHTLY else 16
    profile = settings.get_profile("machines")
    machine.TestCase.settings = settings(profile, max_examples=rounds)
    return pytest.mark.timeout(3600 if NIGHTLY else 600)(machine.TestCase)


TestOnSqlite = _machine("sqlite")
if NIGHTLY:
    TestOnPostgresql = _machine("postgresql")
