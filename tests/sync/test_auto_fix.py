"""Each kind of violation: found, previewed, repaired once, and taken back."""

import pytest
from sqlalchemy import func, select

from lms import enrollment, sync
from lms.db import db
from lms.models import AuditEntry
from lms.queries import sync as history
from lms.refusals import RunNotFound, SyncRunning
from lms.sync import runs
from lms.sync.kinds import KINDS
from tests.builders import a_student
from tests.conftest import Sql
from tests.invariants import assert_invariants
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.school import INJECTIONS, School, a_payment, a_request_row, first_chapter

ATTENTION_ONLY = {"over_capacity", "duplicate_email"}
ON_SQLITE_ONLY = {"wrong_type"}

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
    "orphaned_notice",
    "orphaned_certificate",
    "missing_progress",
    "missing_enrollment",
    "progress_mismatch",
    "pending_while_enrolled",
}


def test_every_kind_has_a_way_to_be_brought_in() -> None:
    assert set(KINDS) == set(INJECTIONS) | ATTENTION_ONLY | ON_SQLITE_ONLY


def test_a_sound_school_has_no_violation_and_lists_every_kind(school: School) -> None:
    report = sync.validate()
    assert report.ok
    assert [check.kind for check in report.checks] == list(KINDS)
    assert report.total == 0


@pytest.mark.parametrize("kind", INJECTIONS)
def test_a_violation_is_found_previewed_repaired_and_undone(
    school: School, injure: Injure, kind: str
) -> None:
    injure(school, kind)
    damaged = contents()
    learned = len(damaged["chapter_completions"])

    report = sync.validate()
    count = report.counts[kind]
    assert count > 0
    assert not report.ok
    check = next(check for check in report.checks if check.kind == kind)
    assert len(check.sample) == count

    preview = sync.auto_fix(by=school.grace, dry_run=True)
    assert preview.fixed[kind] == count
    assert not any(preview.remaining.values())
    assert contents() == damaged

    result = sync.auto_fix(by=school.grace)
    assert result.fixed[kind] == count
    assert not any(result.remaining.values())
    assert_invariants(db.session())
    if kind not in {"orphaned_completion", "orphaned_chapter", "duplicate_completion"}:
        assert len(contents()["chapter_completions"]) == learned

    again = sync.auto_fix(by=school.grace)
    assert again.total == 0

    undone = sync.undo(result.run_id, by=school.grace)
    if kind in FORBIDDEN:
        assert undone.kept
        assert all(row.reason for row in undone.kept)
    elif kind in {"approved_not_enrolled", "decided_not_cleared"}:
        assert {row.table for row in undone.kept} == {"decisions"}
    elif undone.kept:
        assert kind in {"duplicate_enrollment", "duplicate_progress"}, undone.kept  # one key stays
        assert all(row.reason for row in undone.kept)
    elif kind == "source_without_enrollment":  # it cannot stand alone again
        assert contents() == damaged | {"access_sources": contents()["access_sources"]}
    else:
        assert contents() == damaged


def test_all_kinds_at_once_become_clean_in_one_run(school: School, injure: Injure) -> None:
    # The other order would take away the rows that a later one doubles or changes.
    injure(school, *reversed(INJECTIONS))
    result = sync.auto_fix(by=None)
    assert {kind: n for kind, n in result.remaining.items() if n} == {}
    assert_invariants(db.session())
    again = sync.auto_fix(by=None)
    assert again.total == 0

    # Much cannot come back, and what does is put right again.
    assert sync.undo(result.run_id, by=None).undone > 0
    assert not any(sync.auto_fix(by=None).remaining.values())
    assert_invariants(db.session())


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


def test_what_an_admin_ended_is_not_given_again(school: School, injure: Injure) -> None:
    enrollment.unenroll(school.bob, school.welcome, by=school.grace)
    assert sync.validate().ok
    injure(school, lambda d, s: a_request_row(d, s.bob, s.welcome, "approved"))
    result = sync.auto_fix(by=school.grace)
    assert result.fixed["decided_not_cleared"] == 1
    assert sync.validate().ok
    assert not sync.explain(school.bob, school.welcome).has_access


def test_a_status_that_nobody_knows_is_shown_to_the_admin(school: School, injure: Injure) -> None:
    injure(school, "status_not_normalized")
    sync.auto_fix(by=None)
    [asked] = history.attention()
    assert "'secret'" in asked.reason


def test_of_two_approved_for_one_seat_the_other_goes_on_waiting(
    school: School, injure: Injure
) -> None:
    late = a_student("Cy")

    def approve_both(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 2 WHERE id = ?", here.algebra)
        for student in (here.bob, late):
            a_request_row(damage, student, here.algebra, "approved")

    injure(school, approve_both)
    sync.auto_fix(by=None)
    assert [row["student_id"] for row in contents()["access_requests"]] == [late]


def test_who_paid_for_a_full_course_is_shown_to_the_admin_once(
    school: School, injure: Injure
) -> None:
    def fill(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 0 WHERE id = ?", here.botany)
        a_payment(damage, here.bob, here.botany, "paid")

    injure(school, fill)
    first = sync.auto_fix(by=None)
    assert first.fixed["paid_not_enrolled"] == 1
    assert not any(first.remaining.values())
    assert [row["status"] for row in contents()["payments"]] == ["undeliverable"]
    assert [row.kind for row in history.attention()] == ["paid_not_enrolled"]
    assert sync.auto_fix(by=None).total == 0
    assert len(history.attention()) == 1


def test_who_was_approved_for_a_full_course_waits_until_there_is_a_seat(
    school: School, injure: Injure
) -> None:
    def fill(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 1 WHERE id = ?", here.algebra)
        a_request_row(damage, here.bob, here.algebra, "approved")

    injure(school, fill)
    for _ in range(2):
        result = sync.auto_fix(by=None)
        assert result.total == 0
        assert result.remaining["approved_not_enrolled"] == 1
    enrollment.unenroll(school.ada, school.algebra, by=school.grace)
    assert sync.auto_fix(by=None).fixed["approved_not_enrolled"] == 1
    assert sync.explain(school.bob, school.algebra).has_access


@pytest.mark.parametrize("kind", ["over_capacity", "duplicate_email"])
def test_what_needs_a_decision_is_left_to_a_person(
    school: School, injure: Injure, kind: str
) -> None:
    def bring(damage: Damage, here: School) -> None:
        if kind == "over_capacity":
            damage.run("UPDATE courses SET capacity = 0 WHERE id = ?", here.algebra)
        else:
            damage.lift("users")
            damage.run("UPDATE users SET email = 'x@example.org' WHERE role = 'student'")

    injure(school, bring)
    before = contents()
    preview = sync.auto_fix(by=None, dry_run=True)
    result = sync.auto_fix(by=None)
    assert preview.total == result.total == 0
    assert preview.remaining[kind] == result.remaining[kind] == 1
    assert contents() == before
    check = next(check for check in sync.validate().checks if check.kind == kind)
    assert check.needs_attention == 1
    assert check.sample[0].attention


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


def test_undo_takes_along_a_source_that_had_been_left_over(school: School, injure: Injure) -> None:
    def forget(damage: Damage, here: School) -> None:
        damage.run("DELETE FROM enrollments WHERE user_id = ?", here.bob)
        damage.run("DELETE FROM student_progress WHERE student_id = ?", here.bob)

    injure(school, forget)
    before = contents()
    result = sync.auto_fix(by=school.grace)
    assert result.fixed["default_not_granted"] == 1
    assert sync.undo(result.run_id, by=school.grace).kept == []
    after = contents()
    assert after["enrollments"] == before["enrollments"]
    assert after["student_progress"] == before["student_progress"]


def test_undo_of_an_unknown_run_is_refused(school: School) -> None:
    with pytest.raises(RunNotFound):
        sync.undo(4711, by=school.grace)


def test_a_payment_settled_by_a_repair_is_in_the_trail_once(school: School, injure: Injure) -> None:
    injure(school, "payment_behind_stripe")
    before = db.session.scalar(select(func.max(AuditEntry.id)))
    db.session.rollback()
    run = sync.auto_fix(by=school.grace)
    trail = db.session.scalars(select(AuditEntry.action).where(AuditEntry.id > before))
    assert sorted(trail) == [
        *("access.ended", "access.granted"),
        *["access.source_withdrawn"] * 2,
        *("payment.disputed", "payment.paid", "payment.refunded"),
        *["sync.repaired"] * run.fixed["payment_behind_stripe"],
        "sync.run",
    ]


def test_every_change_of_access_is_in_the_trail(school: School, injure: Injure) -> None:
    injure(school, "refunded_still_enrolled", "default_not_granted", "approved_not_enrolled")
    sync.auto_fix(by=None)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.reason.startswith("Repaired"))
    ).all()
    assert {"sync.repaired", "access.granted", "access.ended", "request.approved"} <= set(actions)
