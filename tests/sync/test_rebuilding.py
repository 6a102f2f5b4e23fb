"""Access that a restore has lost comes back as it was: by the audit trail alone."""

from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from sqlalchemy import select

from lms import sync
from lms.db import db
from lms.models import (
    AccessSource,
    AuditEntry,
    Certificate,
    Enrollment,
    SourceKind,
    StudentProgress,
)
from tests.faults.profile import NIGHTLY
from tests.invariants import assert_invariants
from tests.sync.damage import Damage, damaging
from tests.sync.lives import Life

STEPS = 5_000 if NIGHTLY else 300
TABLES = ("access_sources", "student_progress", "enrollments", "certificates")
Rows = dict[Any, tuple[Any, ...]]


@pytest.mark.parametrize("seed", [1, 2] if NIGHTLY else [1])
def test_all_that_was_granted_and_never_ended_comes_back_and_nothing_else(
    context: Flask, database_url: str, tmp_path: Path, seed: int
) -> None:
    life = Life(seed, tmp_path)
    for _ in range(STEPS):
        life.step()
    due = sync.auto_fix(by=None)  # only offers are past their end
    assert (due.fixed["lost_access"], due.remaining["lost_access"]) == (0, 0)
    before = _access()
    granted = select(AuditEntry.details).where(AuditEntry.action == "access.granted")
    kinds = {details["source"] for details in db.session.scalars(granted)}
    assert kinds == set(get_args(SourceKind))
    assert len(before["sources"]) > len(before["enrollments"]) > 5
    assert before["certificates"]
    for _ in range(2):  # what a repair wrote down rebuilds as much as what it went by
        _wipe(database_url)
        remaining = sync.auto_fix(by=None).remaining
        assert {kind: number for kind, number in remaining.items() if number} == {}
        assert _access() == before
        assert sync.validate().ok
        assert_invariants(db.session())
        db.session.rollback()


def _wipe(url: str) -> None:
    db.session.rollback()
    db.engine.dispose()

    def wipe(damage: Damage) -> None:
        for table in TABLES:
            damage.run(f"DELETE FROM {table}")

    with damaging(url) as damage:
        wipe(damage)


def _access() -> dict[str, Rows]:
    """Return all access with its dates, progress and certificates, by what is not their ids.

    When somebody was last active, or done, follows from the chapters completed: of a course of
    which one was deleted, only who may learn it and how far they got is known.
    """
    deleted = select(AuditEntry.course_id).where(AuditEntry.action == "chapter.deleted")
    shortened = set(db.session.scalars(deleted))
    found: dict[str, Rows] = {
        "enrollments": {
            (row.user_id, row.course_id): (
                *(row.progress, row.enrolled_at),
                None if row.course_id in shortened else row.completed_at,
            )
            for row in db.session.scalars(select(Enrollment))
        },
        "progress": {
            (row.student_id, row.course_id): (
                row.total_progress,
                None if row.course_id in shortened else row.last_activity_at,
            )
            for row in db.session.scalars(select(StudentProgress))
        },
        "sources": {
            (row.user_id, row.course_id, row.kind, row.reference): (row.granted_at, row.granted_by)
            for row in db.session.scalars(select(AccessSource))
        },
        "certificates": {
            (row.user_id, row.code): (
                *(row.course_id, row.student_name, row.course_title, row.completed_at),
                *(row.issued_at, row.revoked_at, row.revoked_reason),
            )
            for row in db.session.scalars(select(Certificate))
        },
    }
    db.session.rollback()
    return found
