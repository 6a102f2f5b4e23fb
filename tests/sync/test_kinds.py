"""What holds for all kinds: each is declared whole, tested, and repaired in its turn."""

import pytest
from sqlalchemy import String

from lms import sync
from lms.db import db
from lms.models import SyncChange
from lms.sync.kinds import CHECKS, KINDS
from tests.invariants import assert_invariants
from tests.sync.conftest import Injure, contents
from tests.sync.injections import injections, repairable
from tests.sync.lifecycle import live_through
from tests.sync.school import School

RELIES_ON = {
    # What is compared can be read.
    "orphaned_payment": {"status_not_normalized", "unreadable_date", "wrong_type"},
    # Only what refers to what exists is worth keeping, and worth merging.
    "duplicate_enrollment": {"orphaned_enrollment", "orphaned_chapter", "unreadable_date"},
    "duplicate_progress": {"orphaned_progress"},
    "duplicate_completion": {"orphaned_completion", "orphaned_chapter"},
    "paid_without_course": {"orphaned_payment"},
    # One alone gets back the other, once there is only one.
    "missing_enrollment": {"duplicate_progress", "orphaned_progress"},
    "missing_progress": {"duplicate_enrollment", "missing_enrollment"},
    # Who was let in keeps the seat, and the reason, before others come.
    "approved_not_enrolled": {"missing_enrollment", "missing_progress", "orphaned_request"},
    "decided_not_cleared": {"approved_not_enrolled"},
    "payment_behind_stripe": {"approved_not_enrolled", "paid_without_course"},
    "paid_not_enrolled": {"payment_behind_stripe", "missing_progress"},
    "refunded_still_enrolled": {"payment_behind_stripe", "paid_not_enrolled"},
    "second_payment_note": {"payment_behind_stripe", "paid_not_enrolled"},
    # Whoever only has access by it loses it by the kind that says so.
    "payment_contradicts_itself": {"refunded_still_enrolled", "paid_not_enrolled"},
    "books_lack_money": {"payment_behind_stripe", "payment_contradicts_itself"},
    "source_without_enrollment": {"paid_not_enrolled", "refunded_still_enrolled"},
    # Of what the trail alone tells, nothing must be left.
    "lost_access": {"missing_enrollment", "approved_not_enrolled", "paid_not_enrolled"},
    "lost_certificate": {"lost_access", "default_not_granted"},
    "access_without_source": {"decided_not_cleared", "refunded_still_enrolled"},
    "default_not_granted": {"access_without_source", "source_without_enrollment"},
    "source_not_valid": {"default_not_granted", "access_without_source"},
    # Of requests only those of students who are not enrolled now wait, each once.
    "pending_while_enrolled": {"approved_not_enrolled", "default_not_granted"},
    "duplicate_request": {"pending_while_enrolled", "decided_not_cleared"},
    # Progress and what comes of it are those of the enrollments that are there now.
    "progress_out_of_range": {"missing_progress", "default_not_granted", "source_not_valid"},
    "progress_mismatch": {"progress_out_of_range"},
    "progress_drift": {"progress_mismatch", "orphaned_chapter"},
    "completion_date_mismatch": {"progress_drift", "unreadable_date"},
    "duplicate_certificate": {"orphaned_certificate"},
    "missing_certificate": {"completion_date_mismatch", "duplicate_certificate"},
    "over_capacity": {"refunded_still_enrolled", "source_not_valid"},
}
"""Why the order is as it is: each kind, and what must have been put right before it."""


@pytest.mark.parametrize("kind", RELIES_ON)
def test_a_repair_comes_after_those_that_it_relies_on(kind: str) -> None:
    turn = {name: number for number, name in enumerate(KINDS)}
    assert all(turn[earlier] < turn[kind] for earlier in RELIES_ON[kind])


def test_a_status_waits_where_a_second_row_would_be_refused() -> None:
    turns = [(kind.name, check.model.__tablename__) for kind, check in CHECKS]
    first = turns.index(("duplicate_request", "access_requests"))
    assert first < turns.index(("status_not_normalized", "access_requests"))


def test_every_kind_is_tested() -> None:
    """A new kind declares in its topic's test how it comes in: `@injection()`."""
    assert list(injections()) == list(KINDS)


def test_every_kind_is_declared_once_and_whole() -> None:
    assert len({kind.label for kind in KINDS.values()}) == len(KINDS)
    widths = [SyncChange.kind.type, SyncChange.table_name.type]
    for kind, check in CHECKS:
        for name, width in zip((kind.name, check.model.__tablename__), widths, strict=True):
            assert isinstance(width, String)
            assert len(name) <= (width.length or 0)
    for kind in KINDS.values():
        assert kind.label[0].isupper()
        assert kind.repair[0].isupper()
        assert kind.repair.endswith(".")


def test_a_sound_school_has_no_violation_and_lists_every_kind(school: School) -> None:
    report = sync.validate()
    assert report.ok
    assert [check.kind for check in report.checks] == list(KINDS)
    assert report.total == 0


@pytest.mark.parametrize("kind", repairable())
def test_a_violation_is_found_previewed_repaired_and_undone(
    school: School, injure: Injure, kind: str
) -> None:
    live_through(school, injure, kind)


@pytest.mark.parametrize(
    "kind", [kind for kind, each in injections().items() if each.needs_attention]
)
def test_what_needs_a_decision_is_left_to_an_admin(
    school: School, injure: Injure, kind: str
) -> None:
    injure(school, kind)
    before = contents()
    preview = sync.auto_fix(by=None, dry_run=True)
    result = sync.auto_fix(by=None)
    assert preview.total == result.total == 0
    assert preview.remaining[kind] == result.remaining[kind] == 1
    assert contents() == before
    [check] = [check for check in sync.validate().checks if check.kind == kind]
    assert check.needs_attention == 1
    assert check.sample[0].attention


def test_all_kinds_at_once_become_clean_in_one_run(school: School, injure: Injure) -> None:
    # The other order would take away the rows that a later one doubles or changes.
    injure(school, *reversed(repairable()))
    result = sync.auto_fix(by=None)
    assert {kind: n for kind, n in result.remaining.items() if n} == {}
    assert_invariants(db.session())
    again = sync.auto_fix(by=None)
    assert again.total == 0

    # Much cannot come back, and what does is put right again.
    assert sync.undo(result.run_id, by=None).undone > 0
    assert not any(sync.auto_fix(by=None).remaining.values())
    assert_invariants(db.session())
