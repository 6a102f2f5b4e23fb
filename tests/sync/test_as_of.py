"""As of any moment of the past, the trail alone says what the tables of access held then."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from lms.db import LARGEST_ID, db
from lms.ledger.trail import Until
from lms.models import AccessSource, AuditEntry, Enrollment, User
from lms.queries import past
from lms.queries.past import AsOf
from tests.faults.profile import NIGHTLY
from tests.sync.lives import Life

STEPS = 5_000 if NIGHTLY else 300
Held = Mapping[tuple[int, int, str, int], tuple[Any, ...]]


class _Clock(Life):
    """A life whose clock sometimes stands still, so that the trail's order alone says what is."""

    def pause(self) -> int:
        return self.random.choice([0, super().pause()])


@pytest.mark.parametrize("seed", [3])
def test_the_trail_says_what_the_tables_held_at_each_moment(
    context: Flask, tmp_path: Path, seed: int
) -> None:
    life = _Clock(seed, tmp_path)
    kept: dict[Until, Held] = {}
    for _ in range(STEPS):
        life.step()
        kept[Until(life.moment, _latest_entry())] = _held()
        db.session.rollback()
    last_of_moment = {until.at: until for until in kept}
    assert len({str(held) for held in kept.values()}) > STEPS / 10
    assert len(last_of_moment) < len(kept) * 0.8
    names = {row.id: row.name for row in db.session.scalars(select(User))}
    for until, held in kept.items():
        # Whoever gave it has perhaps been renamed since, or deleted; then it is said as of the entry.
        expected = {
            source: (since, names.get(by, gave), entered)
            for source, (since, by, gave, entered) in held.items()
        }
        assert _told(until) == expected, until
        if last_of_moment[until.at] == until:
            assert _told(Until(until.at, LARGEST_ID)) == expected
        db.session.rollback()


def _latest_entry() -> int:
    return db.session.scalar(select(func.max(AuditEntry.id))) or 0


def _held() -> Held:
    enrolled_at = {
        (row.user_id, row.course_id): row.enrolled_at
        for row in db.session.scalars(select(Enrollment))
    }
    names = {row.id: row.name for row in db.session.scalars(select(User))}
    return {
        (row.user_id, row.course_id, row.kind, row.reference): (
            *(row.granted_at, row.granted_by, names.get(row.granted_by)),
            enrolled_at[row.user_id, row.course_id],
        )
        for row in db.session.scalars(select(AccessSource))
    }


def _told(until: Until) -> Held:
    """Return what the lists of all courses that ever were say."""
    ever = select(AuditEntry.course_id).where(AuditEntry.course_id.is_not(None)).distinct()
    moment = AsOf("then", "then", until)
    return {
        (row.student_id, row.course_id, row.kind, row.reference): (
            *(row.granted_at, row.granted_by),
            row.enrolled_at,
        )
        for course in db.session.scalars(ever).all()
        for row in past.every_source("course", course, moment)
    }
