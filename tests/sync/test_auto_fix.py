"""Runs of auto-fix: their scope, their turns, their trail, and their undo."""

import pytest
from sqlalchemy import select

from lms import enrollment, sync
from lms.db import db
from lms.models import AuditEntry
from lms.queries import sync as history
from lms.refusals import RunNotFound, SyncRunning
from lms.sync import runs
from lms.sync.kinds import CHECKS
from lms.sync.repair import repair_rows
from lms.sync.validation import repairable
from tests.conftest import Sql
from tests.sync.conftest import Injure
from tests.sync.school import School, first_chapter


def test_a_repair_of_one_student_leaves_the_others_alone(school: School, injure: Injure) -> None:
    injure(school, "progress_mismatch", "default_not_granted")
    scope = sync.Scope(student_id=school.bob)
    assert sync.validate(scope).counts["progress_mismatch"] == 0
    assert sync.auto_fix(scope, by=school.grace).fixed["default_not_granted"] == 1
    left = sync.validate()
    assert left.counts["default_not_granted"] == 0
    assert left.counts["progress_mismatch"] == 1
    sync.auto_fix(sync.Scope(course_id=school.botany), by=school.grace)
    assert sync.validate().counts["progress_mismatch"] == 1
    sync.auto_fix(sync.Scope(course_id=school.algebra), by=school.grace)
    assert sync.validate().ok


def test_a_second_auto_fix_is_refused_while_one_runs(school: School) -> None:
    runs.begin_run("manual", by=school.grace, scope={}, found={})
    with pytest.raises(SyncRunning):
        sync.auto_fix(by=school.grace)
    assert sync.auto_fix_by_itself("scheduled", slot=1) is None


def test_a_silent_run_of_another_machine_is_taken_over(school: School, sql: Sql) -> None:
    run_id = runs.begin_run("manual", by=school.grace, scope={}, found={})
    long_ago = "2026-01-01 00:00:00.000000"
    sql("UPDATE sync_runs SET owner = 'elsewhere:1', heartbeat_at = :then", then=long_ago)
    sync.auto_fix(by=school.grace)
    lost = history.run(run_id)
    assert lost is not None
    assert lost.status == "failed"
    assert lost.error


def test_a_run_that_fails_says_what_stands_and_the_way_out(school: School, injure: Injure) -> None:
    injure(school, "progress_drift")

    def leave(*_: int) -> None:
        if history.runs():
            raise BrokenPipeError("a detail")

    with pytest.raises(BrokenPipeError):
        sync.auto_fix(by=school.grace, progress=leave)
    [failed] = history.runs()
    assert failed.status == "failed"
    assert failed.error.startswith("The run stopped early (BrokenPipeError). The repairs")
    assert "Choose “Repair now”" in failed.error
    assert "a detail" not in failed.error


def test_a_slot_has_one_run(school: School) -> None:
    assert sync.auto_fix_by_itself("scheduled", slot=7) is not None
    assert sync.auto_fix_by_itself("scheduled", slot=7) is None


def test_a_scheduled_run_leaves_alone_what_a_person_has_undone(
    school: School, injure: Injure
) -> None:
    injure(school, "progress_drift")
    result = sync.auto_fix(by=school.grace)
    sync.undo(result.run_id, by=school.grace)
    scheduled = sync.auto_fix_by_itself("scheduled", slot=1)
    assert scheduled is not None
    assert scheduled.total == 0
    assert scheduled.remaining["progress_drift"] == 1
    assert sync.auto_fix(by=school.grace).fixed["progress_drift"] == 1
    assert history.attention() == []


def test_a_step_counts_the_rows_that_are_still_wrong(school: School, injure: Injure) -> None:
    injure(school, "progress_drift")
    [(kind, check)] = [turn for turn in CHECKS if turn[0].name == "progress_drift"]
    [wrong] = repairable(check, sync.Scope(), limit=10)
    since_repaired = (wrong[0] + 1, *wrong[1:])
    run_id = runs.begin_run("manual", by=school.grace, scope={}, found={})
    keys = [wrong, since_repaired]
    assert repair_rows(run_id, kind, check, sync.Scope(), keys=keys, by=school.grace) == 1
    run = history.run(run_id)
    assert run is not None
    assert run.fixed == {"progress_drift": 1}


def test_undo_leaves_alone_what_has_changed_since(school: School, injure: Injure) -> None:
    injure(school, "progress_drift", "default_not_granted")
    result = sync.auto_fix(by=school.grace)
    enrollment.reopen_chapter(school.ada, first_chapter(school.algebra))
    undone = sync.undo(result.run_id, by=school.grace)
    assert {row.table for row in undone.kept} == {"enrollments", "student_progress"}
    assert all("changed since" in row.reason for row in undone.kept)
    assert sync.validate().counts["default_not_granted"] == 1
    assert sync.validate().counts["progress_drift"] == 0
    assert sync.undo(result.run_id, by=school.grace).undone == undone.undone


def test_undo_of_an_unknown_run_is_refused(school: School) -> None:
    with pytest.raises(RunNotFound):
        sync.undo(4711, by=school.grace)


def test_every_change_of_access_is_in_the_trail(school: School, injure: Injure) -> None:
    injure(school, "refunded_still_enrolled", "default_not_granted", "approved_not_enrolled")
    sync.auto_fix(by=None)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.reason.startswith("Repaired"))
    ).all()
    assert {"sync.repaired", "access.granted", "access.ended", "request.approved"} <= set(actions)
