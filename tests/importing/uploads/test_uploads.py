"""A roster from the browser: exactly what was confirmed, once, or nothing at all."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment, pulse
from lms.db import db
from lms.enrollment.batch import Entry
from lms.enrollment.erasure import erase_person
from lms.importing import NoRoster, uploads
from lms.importing.roster import Confirmed, apply_roster
from lms.importing.roster.effects import effects_of
from lms.importing.uploads import content, turns, work
from lms.refusals import Invalid
from lms.sync import undo
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import HEADER

DEAD = f"{pulse.host()}:{2**22 + 1}"


@pytest.fixture(autouse=True)
def _folder(context: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "instance_path", str(tmp_path / "instance"))


@pytest.fixture
def admin() -> int:
    return an_admin()


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three lines be many."""
    for name in ("READ_AT_ONCE", "APPLIED_AT_ONCE"):
        monkeypatch.setattr(content, name, 2)


def _csv(course: int, people: Sequence[int], action: str = "enroll") -> bytes:
    lines = [f"s{each}@x.org,Student {each},{course},{action}" for each in people]
    return "\n".join((HEADER, *lines)).encode()


def _begun(given: bytes, admin: int) -> uploads.Shown:
    return uploads.shown(uploads.begin("roster.csv", given, course_id=None, by=admin))


def _confirm(found: uploads.Shown, admin: int, ending: int | None = None) -> None:
    uploads.confirm(found.id, found.mark, ending=ending, by=admin, invite=None)


def _enrolled(sql: Sql) -> int:
    return int(sql("SELECT count(*) FROM enrollments")[0][0])


def test_a_short_one_is_previewed_and_applied_at_once_and_undone(admin: int, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    assert (found.status, found.total, _enrolled(sql)) == ("preview", 3, 0)
    _confirm(found, admin)
    done = uploads.shown(found.id)
    assert (done.status, _enrolled(sql)) == ("applied", 3)
    assert sql("SELECT content FROM roster_uploads")[0][0] == ""
    assert sql("SELECT started_by FROM sync_runs") == [(admin,)]
    applied = "SELECT actor_id FROM audit_entries WHERE action = 'roster.applied'"
    assert sql(applied) == [(admin,)]
    assert_sound()
    assert done.run_id is not None
    undo(done.run_id, by=admin)
    assert _enrolled(sql) == 0


def test_a_long_one_waits_for_the_worker_twice(admin: int, long: None, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    assert (found.status, uploads.is_work_due()) == ("reading", True)
    uploads.work_when_due(None)
    found = uploads.shown(found.id)
    assert (found.status, found.total, uploads.is_work_due()) == ("preview", 3, False)
    _confirm(found, admin)
    assert (uploads.shown(found.id).status, _enrolled(sql)) == ("applying", 0)
    uploads.work_when_due(None)
    assert (uploads.shown(found.id).status, _enrolled(sql)) == ("applied", 3)


def test_one_of_some_length_waits_only_to_be_applied(
    admin: int, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "APPLIED_AT_ONCE", 2)
    found = _begun(_csv(a_course(), range(3)), admin)
    assert found.status == "preview"
    _confirm(found, admin)
    assert uploads.shown(found.id).status == "applying"


def test_pressed_twice_it_is_applied_once(admin: int, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    for _ in range(2):
        _confirm(found, admin)
        assert uploads.shown(found.id).status == "applied"
    assert sql("SELECT count(*) FROM sync_runs") == [(1,)]


def test_what_has_changed_since_the_preview_is_shown_and_not_applied(admin: int, sql: Sql) -> None:
    course = a_course()
    found = _begun(_csv(course, range(3)), admin)
    enrollment.enroll(a_student(email="s1@x.org"), course, by=admin)
    _confirm(found, admin)
    now = uploads.shown(found.id)
    assert (now.status, now.problem, _enrolled(sql)) == ("preview", work.CHANGED, 1)
    assert now.report is not None
    assert (now.report.counts["nothing"], now.mark != found.mark) == (1, True)
    with pytest.raises(uploads.PreviewOutdated):
        _confirm(found, admin)
    _confirm(now, admin)
    assert (uploads.shown(found.id).status, _enrolled(sql)) == ("applied", 3)


def test_the_same_numbers_of_others_are_not_what_was_confirmed(admin: int, sql: Sql) -> None:
    course = a_course()
    ids = [a_student(email=f"s{each}@x.org") for each in range(2)]
    enrollment.enroll(ids[0], course, by=admin)
    found = _begun(_csv(course, range(2), "unenroll"), admin)
    enrollment.enroll(ids[1], course, by=admin)
    enrollment.unenroll(ids[0], course, by=admin)
    _confirm(found, admin)
    assert (uploads.shown(found.id).problem, _enrolled(sql)) == (work.CHANGED, 1)


def _pasted(people: str, course: int, admin: int) -> uploads.Shown:
    return uploads.shown(uploads.begin("", people.encode(), course_id=course, by=admin))


def _refused_for_changes(found: uploads.Shown, admin: int, sql: Sql) -> bool:
    db.session.rollback()
    _confirm(found, admin)
    return (uploads.shown(found.id).problem, _enrolled(sql)) == (work.CHANGED, 0)


@pytest.mark.parametrize("written", ["Ada", "ada@x.org"])
def test_whoever_has_the_name_or_the_address_meanwhile_is_not_let_in(
    written: str, admin: int, sql: Sql
) -> None:
    course, ada, eve = a_course(), a_student("Ada", email="ada@x.org"), a_student("Eve")
    found = _pasted(written, course, admin)
    sql("UPDATE users SET name = 'Other', email = 'other@x.org' WHERE id = :id", id=ada)
    sql("UPDATE users SET name = 'Ada', email = 'ada@x.org' WHERE id = :id", id=eve)
    assert _refused_for_changes(found, admin, sql)


def test_another_course_of_the_code_lets_nobody_in(admin: int, sql: Sql) -> None:
    algebra, secret = a_course("Algebra", code="MATH"), a_course("Secret", code="OTHER")
    a_student(email="ada@x.org")
    found = _begun(f"{HEADER}\nada@x.org,Ada,MATH,enroll".encode(), admin)
    sql("UPDATE courses SET code = 'OLD' WHERE id = :id", id=algebra)
    sql("UPDATE courses SET code = 'MATH' WHERE id = :id", id=secret)
    assert _refused_for_changes(found, admin, sql)


def test_a_digest_tells_who_comes_where_and_under_which_name() -> None:
    known = {"ada@x.org": 1, "new@x.org": 0}
    first = Entry("enroll", "ada@x.org", "Ada", 1)
    new = Entry("enroll", "new@x.org", "Noor", 1)
    same = effects_of([first, new], known)
    assert effects_of([new, replace(first, name="Ada King")], known) == same
    others = (
        [replace(first, action="unenroll"), new],
        [replace(first, course_id=2), new],
        [first, replace(new, name="Nour")],
        [first, replace(new, email="noor@x.org")],
        [first],
    )
    assert len({same, *(effects_of(each, known) for each in others)}) == 6
    assert effects_of([first, new], {**known, "ada@x.org": 2}) != same


def test_where_many_would_lose_access_their_number_has_to_be_said(admin: int, sql: Sql) -> None:
    course = a_course()
    given = _csv(course, range(6))
    _confirm(_begun(given, admin), admin)
    found = _begun(_csv(course, range(6), "unenroll"), admin)
    assert found.ending == 6
    for wrong in (None, 5, 7):
        with pytest.raises(Invalid, match="6 enrollments would end"):
            _confirm(found, admin, wrong)
    assert _enrolled(sql) == 6
    _confirm(found, admin, 6)
    assert _enrolled(sql) == 0


def test_who_was_taken_for_dead_changes_nothing(admin: int, long: None, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    uploads.work_when_due(None)
    _confirm(uploads.shown(found.id), admin)
    first = turns.take()
    assert first is not None
    assert turns.take() is None
    sql("UPDATE roster_uploads SET owner = :dead", dead=DEAD)
    second = turns.take()
    assert second is not None
    for taken in (first, second):
        work.carry_out(taken, None)
    assert (_enrolled(sql), sql("SELECT count(*) FROM sync_runs")) == (3, [(1,)])


def test_a_result_of_a_lost_turn_is_refused_with_all_that_was_done(
    admin: int, long: None, sql: Sql
) -> None:
    given = _csv(a_course(), range(3))
    found = _begun(given, admin)
    uploads.work_when_due(None)
    _confirm(uploads.shown(found.id), admin)
    first = turns.take()
    assert first is not None
    sql("UPDATE roster_uploads SET owner = :dead", dead=DEAD)
    assert turns.take() is not None
    ended = Confirmed(written=lambda session, done: turns.keep_result(session, first, done))
    with pytest.raises(turns.TurnLost):
        apply_roster(content.roster_of("roster.csv", None, given), ended, invite=None)
    assert _enrolled(sql) == 0


@pytest.mark.parametrize(
    ("status", "way_out"),
    [("reading", "Cancel it, then submit it again."), ("applying", "Try again, or cancel it.")],
)
def test_what_ends_each_process_is_given_up(
    admin: int, long: None, sql: Sql, status: str, way_out: str
) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    sql("UPDATE roster_uploads SET status = :status", status=status)
    for _ in range(turns.MOST_ATTEMPTS):
        assert turns.take() is not None
        sql("UPDATE roster_uploads SET owner = :dead", dead=DEAD)
    assert turns.take() is None
    told = f"{turns.INTERRUPTED} Nothing was changed. {way_out} You can also use the command"
    assert uploads.shown(found.id).problem.startswith(told)


def test_canceled_or_after_a_day_nothing_is_left(admin: int, sql: Sql) -> None:
    course = a_course()
    canceled = _begun(_csv(course, range(3)), admin)
    for _ in range(2):
        uploads.cancel(canceled.id, by=admin)
    old = _begun(_csv(course, range(3)), admin)
    db.session.rollback()
    sql("UPDATE roster_uploads SET started_at = '2020-01-01 00:00:00.000000'")
    for attempt in (lambda: uploads.shown(old.id), lambda: _confirm(old, admin)):
        with pytest.raises(uploads.UploadGone):
            attempt()
    assert (uploads.waiting(), uploads.is_work_due()) == ([], True)
    uploads.work_when_due(None)
    assert (sql("SELECT * FROM roster_uploads"), _enrolled(sql)) == ([], 0)


def test_an_erased_person_stands_in_no_roster(admin: int, sql: Sql) -> None:
    student = a_student(email="s1@x.org")
    found = _begun(_csv(a_course(), range(3)), admin)
    erase_person(student, by=admin)
    assert sql("SELECT * FROM roster_uploads") == []
    with pytest.raises(uploads.UploadGone, match="deleted when a person is erased"):
        uploads.shown(found.id)


def test_a_fault_says_so_and_leaves_the_preview(admin: int, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    sql("UPDATE roster_uploads SET content = 'broken'")
    _confirm(found, admin)
    now = uploads.shown(found.id)
    assert (now.status, "couldn't process this roster" in now.problem) == ("preview", True)
    assert (now.total, _enrolled(sql)) == (3, 0)


def test_a_fault_without_a_preview_says_to_send_it_again(admin: int, long: None, sql: Sql) -> None:
    found = _begun(_csv(a_course(), range(3)), admin)
    sql("UPDATE roster_uploads SET content = 'broken'")
    uploads.work_when_due(None)
    now = uploads.shown(found.id)
    assert (now.report, "Cancel it, then submit it again." in now.problem) == (None, True)


def test_refused_lines_come_first_a_page_at_a_time(admin: int) -> None:
    course = a_course()
    lines = [_csv(course, range(150)).decode(), f"odd,Odd,{course},enroll"]
    upload_id = _begun("\n".join(lines).encode(), admin).id
    first, second = (uploads.shown(upload_id, page=page) for page in (1, 2))
    assert first.rows[0].detail == "the e-mail address isn't valid"
    assert (len(first.rows), len(second.rows), first.pages, first.total) == (100, 51, 2, 151)


OTHERS = {
    b"": "roster.csv is empty",
    b"\x89PNG\r\n\x1a\n\xff": "roster.csv is a picture",
    b"PK\x03\x04 and so on": "The ZIP file is damaged",
    b"name,mail\nAda,ada@x.org": "The first line lacks course_id, action",
    b"email,name,course_id,action\n" + b"x,,1,enroll\n" * (content.MOST_LINES + 1): "20,001 lines",
    bytes(content.MOST_BYTES + 1): "larger than 10 MB",
}


@pytest.mark.parametrize("given", OTHERS, ids=OTHERS.values())
def test_what_is_no_roster_is_refused_and_not_kept(given: bytes, admin: int, sql: Sql) -> None:
    with pytest.raises(NoRoster, match=OTHERS[given]):
        _begun(given, admin)
    assert sql("SELECT * FROM roster_uploads") == []
    db.session.rollback()
