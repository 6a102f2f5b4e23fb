"""What was granted and never ended, and is gone: rebuilt by the trail, or left to an admin."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from lms import enrollment, sync
from lms.db import at, db
from lms.importing.roster import import_roster
from lms.models import AccessSource, Certificate, Enrollment, StudentProgress, SyncRun, User
from tests.builders import a_request
from tests.sync.conftest import Injure, contents, sources_of
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import NOBODY, School, certify, first_chapter, forget

_ALL = ("access_sources", "student_progress", "enrollments")
_BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@injection()
def lost_access(d: Damage, s: School) -> None:
    forget(d, s.ada, s.algebra, *_ALL)


@injection()
def lost_certificate(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO audit_entries (at, action, student_id, student_name, course_id, course_title,"
        " details) VALUES ('2026-01-02 03:04:05.000000', 'certificate.issued', ?, 'Bob', ?,"
        " 'Botany', ?)",
        *(s.bob, s.botany, '{"code": "0000-1111-2222-3333-4444-5555"}'),
    )


def test_it_comes_back_with_its_dates_and_explain_agrees(school: School, injure: Injure) -> None:
    with at(_BEGUN):
        enrollment.enroll(school.bob, school.botany, by=school.grace)
        enrollment.complete_chapter(school.bob, first_chapter(school.botany))
    before = contents()
    injure(school, lambda d, s: forget(d, s.bob, s.botany, *_ALL))
    told = sync.explain(school.bob, school.botany)
    assert not told.has_access
    assert [each.kind for each in told.violations] == ["lost_access"]
    assert told.action == "The next repair will correct this. You can start one now."
    sync.auto_fix(by=None)
    told = sync.explain(school.bob, school.botany)
    assert told.verdict == "Bob has access to Botany: enrolled by an admin."
    assert "source of access: enrolled by an admin, since 2026-03-01 by Grace" in told.reasons
    for table in ("enrollments", "student_progress", "access_sources"):
        lost, found = ([{**row, "id": 0} for row in each[table]] for each in (before, contents()))
        assert sorted(map(str, lost)) == sorted(map(str, found))


def test_the_last_activity_comes_back_where_progress_was_reset_since(
    school: School, injure: Injure
) -> None:
    with at(_BEGUN):
        enrollment.enroll(school.bob, school.botany, by=school.grace)
        enrollment.complete_chapter(school.bob, first_chapter(school.botany))
    enrollment.reset_progress(school.bob, school.botany, by=school.grace, reason="A retake.")
    injure(school, lambda d, s: forget(d, s.bob, s.botany, *_ALL))
    sync.auto_fix(by=None)
    mirror = select(StudentProgress.last_activity_at).where(
        StudentProgress.student_id == school.bob, StudentProgress.course_id == school.botany
    )
    assert db.session.scalar(mirror) == _BEGUN


def test_access_to_an_open_course_that_was_archived_since_comes_back(
    school: School, injure: Injure
) -> None:
    enrollment.archive_course(school.welcome, by=school.grace)
    assert sync.validate().ok
    before = contents()["enrollments"]
    injure(school, lambda d, s: forget(d, s.bob, s.welcome, *_ALL))
    assert sync.auto_fix(by=None).remaining["lost_access"] == 0
    lost, found = (
        [{**row, "id": 0} for row in each] for each in (before, contents()["enrollments"])
    )
    assert sorted(map(str, lost)) == sorted(map(str, found))
    assert sources_of(school.bob, school.welcome) == ["default"]


def test_what_was_ended_or_undone_stays_ended(
    school: School, injure: Injure, tmp_path: Path
) -> None:
    made = enrollment.approve(a_request(school.bob, school.algebra), by=school.grace)
    enrollment.undo_decision(made.decision_id, by=school.grace)
    enrollment.enroll(school.bob, school.botany, by=school.grace)
    enrollment.unenroll(school.bob, school.botany, by=school.grace)
    email = db.session.scalar(select(User.email).where(User.id == school.bob))
    roster = tmp_path / "roster.csv"
    roster.write_text(f"email,name,course_id,action\n{email},Bob,{school.botany},enroll\n")
    import_roster(roster, apply=True)
    run = db.session.scalars(select(SyncRun.id)).all()[-1]
    db.session.rollback()
    sync.undo(run, by=school.grace)
    assert sync.validate().ok
    injure(school, lambda d, _: [d.run(f"DELETE FROM {table}") for table in _ALL])
    sync.auto_fix(by=None)
    assert sources_of(school.bob, school.algebra) == []
    assert sources_of(school.bob, school.botany) == []
    assert sources_of(school.bob, school.welcome) == ["default"]
    assert sources_of(school.ada, school.algebra) == ["admin"]


def test_a_repair_that_was_undone_has_ended(school: School, injure: Injure) -> None:
    injure(school, "lost_access")
    run = sync.auto_fix(by=None).run_id
    sync.undo(run, by=school.grace)
    assert sync.validate().ok
    assert sync.explain(school.ada, school.algebra).facts.timeline[0].action == "sync.row_undone"


def test_a_revoked_certificate_comes_back_revoked(school: School, injure: Injure) -> None:
    enrollment.enroll(school.bob, school.welcome, by=school.grace)
    with at(_BEGUN):
        enrollment.complete_chapter(school.bob, first_chapter(school.welcome))
    number = db.session.scalars(select(Certificate.id)).one()
    db.session.rollback()
    enrollment.revoke_certificate(number, by=school.grace, reason="Copied")
    [before] = contents()["certificates"]
    injure(school, lambda d, _: d.run("DELETE FROM certificates"))
    assert sync.validate().counts["missing_certificate"] == 1
    sync.auto_fix(by=None)
    [after] = contents()["certificates"]
    assert {**after, "id": 0} == {**before, "id": 0}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            "INSERT INTO access_waivers (user_id, course_id, created_at)"
            " SELECT user_id, course_id, enrolled_at FROM enrollments WHERE course_id = {algebra}",
            "doesn't say when",
        ),
        (
            "INSERT INTO audit_entries (at, action, student_id, course_id, details)"
            " SELECT enrolled_at, 'access.source_withdrawn', user_id, course_id,"
            ' \'{{"source": "admin", "reference": 0}}\' FROM enrollments'
            " WHERE course_id = {algebra}",
            "no longer applies",
        ),
        ("UPDATE courses SET capacity = 0 WHERE id = {algebra}", "The course is full"),
    ],
)
def test_what_is_not_certain_is_left_to_an_admin(
    school: School, injure: Injure, damage: str, words: str
) -> None:
    def bring(d: Damage, s: School) -> None:
        d.run(damage.format(algebra=s.algebra))
        forget(d, s.ada, s.algebra, *_ALL)

    injure(school, bring)
    assert sync.auto_fix(by=None).remaining["lost_access"] == 1
    [check] = [check for check in sync.validate().checks if check.count]
    assert (check.kind, check.needs_attention) == ("lost_access", 1)
    assert words in (check.sample[0].attention or "")
    assert words in sync.explain(school.ada, school.algebra).action


def test_an_approval_of_which_the_trail_is_silent_needs_attention(
    school: School, injure: Injure
) -> None:
    enrollment.approve(a_request(school.bob, school.algebra), by=school.grace)

    def bring(d: Damage, s: School) -> None:
        d.run("DELETE FROM audit_entries WHERE student_id = ?", s.bob)
        forget(d, s.bob, s.algebra, *_ALL)

    injure(school, bring)
    [check] = [check for check in sync.validate().checks if check.count]
    assert (check.kind, check.count, check.needs_attention) == ("lost_access", 1, 1)
    assert check.sample[0].entity == "decisions"
    assert sources_of(school.bob, school.algebra) == []


def test_sources_alone_come_back_as_they_were(school: School, injure: Injure) -> None:
    enrollment.approve(a_request(school.bob, school.algebra), by=school.grace)
    enrollment.enroll(school.bob, school.algebra, by=school.grace)
    sources = select(AccessSource.kind, AccessSource.reference, AccessSource.granted_at)
    ordered = sources.order_by(AccessSource.kind, AccessSource.user_id, AccessSource.course_id)
    before = db.session.execute(ordered).all()
    injure(school, lambda d, _: d.run("DELETE FROM access_sources"))
    sync.auto_fix(by=None)
    assert db.session.execute(ordered).all() == before


def test_the_trail_of_somebody_unknown_is_no_violation(school: School, injure: Injure) -> None:
    def bring(d: Damage, s: School) -> None:
        d.run("UPDATE audit_entries SET student_id = ? WHERE student_id = ?", NOBODY, s.ada)
        certify(d, s.bob, s.botany, "A")

    injure(school, bring)
    assert sync.validate().ok
    assert db.session.scalars(select(Enrollment.id)).all()
