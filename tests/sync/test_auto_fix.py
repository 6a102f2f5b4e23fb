"""Each kind of violation: found, previewed, repaired once, and taken back."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from lms import sync
from lms.db import db
from lms.queries import integrity
from tests.invariants import assert_invariants
from tests.sync.damage import damaging
from tests.sync.school import INJECTIONS, School, a_school

ATTENTION_ONLY = {"over_capacity", "duplicate_email"}

TABLES = (
    "users",
    "courses",
    "chapters",
    "chapter_completions",
    "enrollments",
    "student_progress",
    "access_sources",
    "access_requests",
    "access_waivers",
    "payments",
    "decisions",
    "sign_ins",
)

# What no undo can bring back while the database forbids it.
FORBIDDEN = {
    "orphaned_enrollment",
    "orphaned_progress",
    "orphaned_request",
    "orphaned_completion",
    "orphaned_chapter",
    "orphaned_source",
    "orphaned_waiver",
    "orphaned_sign_in",
    "orphaned_payment",
    "missing_progress",
    "missing_enrollment",
    "progress_mismatch",
    "pending_while_enrolled",
    "source_without_enrollment",
}


@pytest.fixture
def school(context: Flask) -> School:
    return a_school()


def contents() -> dict[str, list[dict[str, Any]]]:
    """Everything that the school knows, but for counters of versions."""
    rows = {}
    for table in TABLES:
        found = db.session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).mappings()
        rows[table] = [{k: v for k, v in row.items() if k != "version"} for row in found]
    db.session.rollback()
    return rows


def injected(database_url: str, school: School, *kinds: str) -> None:
    db.session.rollback()
    db.engine.dispose()
    with damaging(database_url) as damage:
        for kind in kinds:
            INJECTIONS[kind](damage, school)


def test_every_kind_has_a_way_to_be_brought_in() -> None:
    assert set(integrity.KINDS) == set(INJECTIONS) | ATTENTION_ONLY


def test_a_sound_school_has_no_violation_and_lists_every_kind(school: School) -> None:
    report = sync.validate()
    assert report.ok
    assert [check.kind for check in report.checks] == list(integrity.KINDS)
    assert report.total == 0


@pytest.mark.parametrize("kind", INJECTIONS)
def test_a_violation_is_found_previewed_repaired_and_undone(
    database_url: str, school: School, kind: str
) -> None:
    injected(database_url, school, kind)
    damaged = contents()
    learned = len(damaged["chapter_completions"])

    report = sync.validate()
    count = report.counts[kind]
    assert count > 0
    assert not report.ok
    check = next(check for check in report.checks if check.kind == kind)
    assert len(check.sample) == count

    preview = sync.auto_fix(by=school.grace, dry_run=True)
    assert preview is not None
    assert preview.fixed[kind] == count
    assert contents() == damaged

    result = sync.auto_fix(by=school.grace)
    assert result is not None
    assert result.fixed[kind] == count
    assert not any(result.remaining.values())
    assert_invariants(db.session())
    if kind not in {"orphaned_completion", "orphaned_chapter", "duplicate_completion"}:
        assert len(contents()["chapter_completions"]) == learned

    again = sync.auto_fix(by=school.grace)
    assert again is not None
    assert again.total == 0

    undone = sync.undo(result.run_id, by=school.grace)
    if kind in FORBIDDEN:
        assert undone.kept
        assert all(row.reason for row in undone.kept)
    elif kind in {"approved_not_enrolled", "decided_not_cleared"}:
        assert {row.table for row in undone.kept} == {"decisions"}
    elif undone.kept:
        assert kind in {"duplicate_enrollment", "duplicate_progress"}  # PostgreSQL keeps one key
        assert all(row.reason for row in undone.kept)
    else:
        assert contents() == damaged


def test_all_kinds_at_once_become_clean_in_one_run(database_url: str, school: School) -> None:
    # The other order would take away the rows that a later one doubles or changes.
    injected(database_url, school, *reversed(INJECTIONS))
    result = sync.auto_fix(by=None)
    assert result is not None
    assert {kind: n for kind, n in result.remaining.items() if n} == {}
    assert_invariants(db.session())
    again = sync.auto_fix(by=None)
    assert again is not None
    assert again.total == 0
