"""An import from the browser: exactly what was confirmed, once, or nothing at all."""

import os
import sqlite3
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from lms import enrollment, pulse
from lms.db import db
from lms.importing import beating, runs
from lms.importing.runs import files, life, work
from lms.importing.runs.current import Current
from lms.models import Enrollment, User
from tests.builders import a_student, an_admin
from tests.conftest import Sql
from tests.forks import FORKS
from tests.importing.runs import halted
from tests.importing.runs.school import ASKING, SCHOOL, a_file
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[3]


def _begun(folder: Path, admin: int, tables: dict[str, Any] | None = None) -> int:
    return runs.begin_with_file(a_file(folder, tables), "old.db", by=admin)


def _previewed(folder: Path, admin: int, tables: dict[str, Any] | None = None) -> Current:
    _begun(folder, admin, tables)
    runs.work_when_due(None)
    found = _current()
    assert found.state == "preview"
    return found


def _current() -> Current:
    db.session.rollback()
    found = runs.current()
    assert found is not None
    return found


def _enrolled() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Enrollment)) or 0


def test_nothing_is_imported_before_it_is_confirmed(
    admin: int, imports: Path, tmp_path: Path
) -> None:
    found = _previewed(tmp_path, admin)
    assert (found.report and found.report.created, _enrolled()) == (8, 0)
    assert not runs.is_work_due()
    runs.confirm(found.id, found.mark, by=admin)
    assert (_current().state, _enrolled()) == ("applying", 0)
    assert runs.is_work_due()
    runs.work_when_due(None)
    assert (_current().state, _enrolled()) == ("applied", 2)
    assert not list(imports.iterdir())
    assert not runs.is_work_due()


@pytest.mark.parametrize("name", ["sequelize-6", "sequelize-6-paranoid", "prisma-7"])
def test_a_school_that_a_library_wrote_is_decided_as_in_its_preview(
    name: str, admin: int, imports: Path, tmp_path: Path
) -> None:
    dump = ROOT / "tests" / "importing" / "legacy" / "schools" / f"{name}.sql"
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript(dump.read_text())
    runs.begin_with_file(BytesIO((tmp_path / "old.db").read_bytes()), "old.db", by=admin)
    runs.work_when_due(None)
    found = _current()
    runs.confirm(found.id, found.mark, by=admin)
    runs.work_when_due(None)
    done = _current()
    assert (done.state, done.report and done.report.created) == (
        "applied",
        found.report and found.report.created,
    )


def test_a_result_shows_nobody_s_row(admin: int, imports: Path, tmp_path: Path, sql: Sql) -> None:
    found = _previewed(tmp_path, admin, ASKING)
    assert "U1@x.org" in str(sql("SELECT report FROM import_runs")[0][0])
    runs.confirm(found.id, found.mark, by=admin)
    runs.work_when_due(None)
    [[kept]] = sql("SELECT report FROM import_runs")
    assert "@" not in str(kept)
    assert _current().report is not None


def test_what_has_changed_since_the_preview_is_not_imported(
    admin: int, imports: Path, tmp_path: Path
) -> None:
    found = _previewed(tmp_path, admin)
    runs.confirm(found.id, found.mark, by=admin)
    a_student("Somebody", email="u1@x.org")  # the account would be merged now, not created
    runs.work_when_due(None)
    assert (_current().state, _enrolled()) == ("reading", 0)
    assert _current().problem == life.CHANGED
    runs.work_when_due(None)
    new = _current()
    assert (new.state, new.problem) == ("preview", life.CHANGED)
    assert new.mark != found.mark
    with pytest.raises(runs.PreviewOutdated):
        runs.confirm(found.id, found.mark, by=admin)
    runs.confirm(new.id, new.mark, by=admin)
    runs.work_when_due(None)
    assert (_current().state, _enrolled()) == ("applied", 2)


def test_another_file_in_its_place_is_not_imported(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    found = _previewed(tmp_path, admin)
    [[token]] = sql("SELECT token FROM import_runs")
    other = a_file(tmp_path, {**SCHOOL, "notes": [{"id": 1}]})  # whose rows are decided alike
    files.database(token).write_bytes(other.read())
    runs.confirm(found.id, found.mark, by=admin)
    runs.work_when_due(None)
    assert (_current().problem, _enrolled()) == (life.CHANGED, 0)


def test_a_preview_of_other_answers_confirms_nothing(
    admin: int, imports: Path, tmp_path: Path
) -> None:
    first = _previewed(tmp_path, admin, ASKING)
    said = {"prices": ["decimal"], "maps": ["enrollments.status.vip=active"]}
    runs.answer(first.id, said, by=admin)
    with pytest.raises(runs.PreviewOutdated):  # in another tab, while it is read anew
        runs.confirm(first.id, first.mark, by=admin)
    runs.work_when_due(None)
    with pytest.raises(runs.PreviewOutdated):
        runs.confirm(first.id, first.mark, by=admin)
    second = _current()
    assert second.report is not None
    assert second.report.questions == []
    runs.confirm(second.id, second.mark, by=admin)
    with pytest.raises(runs.ImportUnderWay):
        runs.answer(second.id, {}, by=admin)
    with pytest.raises(runs.ImportUnderWay):
        runs.confirm(second.id, second.mark, by=admin)
    runs.work_when_due(None)
    assert (_current().state, _enrolled()) == ("applied", 2)
    with pytest.raises(runs.ImportOver):
        runs.confirm(second.id, second.mark, by=admin)
    with pytest.raises(runs.ImportOver):
        runs.cancel(second.id, by=admin)


def test_one_import_is_open_at_a_time(admin: int, imports: Path, tmp_path: Path) -> None:
    first = _begun(tmp_path, admin)
    with pytest.raises(runs.ImportOpen):
        _begun(tmp_path, admin)
    assert len(list(imports.iterdir())) == 1
    # Whoever looked at the same moment is refused by the database.
    token, digest = files.keep_database(a_file(tmp_path), "old.db")
    with pytest.raises(runs.ImportOpen):
        life._begin(token, source="old.db", digest=digest, by=admin)
    assert len(list(imports.iterdir())) == 1
    runs.cancel(first, by=admin)
    assert not list(imports.iterdir())
    assert _begun(tmp_path, admin) > first


def test_a_worker_that_lost_its_turn_imports_nothing(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    found = _previewed(tmp_path, admin)
    runs.confirm(found.id, found.mark, by=admin)
    taken = life.take()
    assert taken is not None
    assert life.take() is None  # another worker: somebody is at it
    with pytest.raises(runs.ImportUnderWay):
        runs.cancel(found.id, by=admin)
    sql("UPDATE import_runs SET turn = turn + 1")  # taken for dead meanwhile
    work._apply(taken, None, lambda _done, _total: None)
    assert (_current().state, _enrolled()) == ("applying", 0)


def test_only_the_machine_that_has_the_file_takes_it(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    _begun(tmp_path, admin)
    [[token]] = sql("SELECT token FROM import_runs")
    place = files.place(token)
    elsewhere = place.rename(tmp_path / "elsewhere")
    assert not runs.is_work_due()
    runs.work_when_due(None)
    assert _current().state == "reading"
    sql("UPDATE import_runs SET heartbeat_at = '2020-01-01 00:00:00.000000'")
    assert _current().is_late
    elsewhere.rename(place)
    runs.work_when_due(None)
    assert _current().state == "preview"


def test_what_nobody_finishes_within_a_day_is_deleted(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    found = _previewed(tmp_path, admin)
    sql("UPDATE import_runs SET started_at = '2020-01-01 00:00:00.000000'")
    assert _current().state == "expired"
    with pytest.raises(runs.ImportOver):
        runs.confirm(found.id, found.mark, by=admin)
    assert runs.is_work_due()
    runs.work_when_due(None)
    assert not list(imports.iterdir())
    assert sql("SELECT status, mark FROM import_runs")[0] == ("expired", "")
    assert "@" not in str(sql("SELECT report FROM import_runs")[0][0])


def test_what_a_dead_process_left_is_deleted_after_a_day_and_no_sooner(
    admin: int, imports: Path
) -> None:
    (imports / "old").mkdir()
    (imports / "new").mkdir()
    os.utime(imports / "old", (0, 0))
    assert runs.is_work_due()
    runs.work_when_due(None)
    assert [each.name for each in imports.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"notes": [{"id": 1, "text": "x"}]}, "old.db: This isn't a school's database"),
        ({"users": [{"id": 1}], "enrollments": [{"id": 1, "user_id": 1, "course_id": 1}]}, ""),
    ],
)
def test_another_program_s_database_is_refused_or_asked_about(
    tables: dict[str, Any], said: str, admin: int, imports: Path, tmp_path: Path
) -> None:
    _begun(tmp_path, admin, tables)
    runs.work_when_due(None)
    found = _current()
    if said:
        assert (found.state, found.problem.startswith(said.partition(": ")[2])) == ("failed", True)
        assert not list(imports.iterdir())
    else:  # which table holds the courses can be said
        assert (found.state, found.report) == ("preview", None)
        assert "--map courses=" in found.problem
        with pytest.raises(runs.PreviewOutdated):
            runs.confirm(found.id, "", by=admin)


def test_a_damaged_file_names_what_was_uploaded_and_not_where_it_lies(
    admin: int, imports: Path, tmp_path: Path
) -> None:
    whole = a_file(tmp_path).getvalue()
    runs.begin_with_file(BytesIO(whole[:100] + b"x" * len(whole)), "old.db", by=admin)
    runs.work_when_due(None)
    found = _current()
    assert found.state == "failed"
    assert found.problem
    assert str(imports) not in found.problem


def test_a_file_that_was_exchanged_is_called_as_it_was_uploaded(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    _begun(tmp_path, admin)
    [[token]] = sql("SELECT token FROM import_runs")
    files.database(token).write_bytes(b"PK\x03\x04")
    runs.work_when_due(None)
    assert _current().problem.startswith("old.db can't be read: it is a ZIP")


def test_erasing_a_person_ends_an_import_that_might_show_them(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    person = a_student("U1", email="u1@x.org")
    found = _previewed(tmp_path, admin, ASKING)
    runs.confirm(found.id, found.mark, by=admin)
    taken = life.take()
    assert taken is not None
    enrollment.erase_person(person, by=an_admin("Theo"), reason="", wish="")
    assert _current().state == "canceled"
    assert "u1@x.org" not in str(tuple(sql("SELECT * FROM import_runs")[0])).lower()
    work._apply(taken, None, lambda _done, _total: None)
    assert _enrolled() == 0
    runs.work_when_due(None)
    assert not list(imports.iterdir())


@pytest.mark.parametrize("where", ["keep_result", "keep_preview"])
def test_a_kill_in_the_middle_changes_nothing_and_says_so(
    where: str, admin: int, context: Flask, tmp_path: Path, sql: Sql
) -> None:
    if where == "keep_result":
        found = _previewed(tmp_path, admin)
        runs.confirm(found.id, found.mark, by=admin)
    else:
        _begun(tmp_path, admin)
    db.session.rollback()
    _kill_worker(where, context.config["DATABASE_URL"], context.instance_path)
    if where == "keep_preview":  # it is read again, by whoever comes next
        assert _current().state == "reading"
        runs.work_when_due(None)
        assert _current().state == "preview"
        return
    found = _current()
    assert (found.state, found.problem) == ("interrupted", life.INTERRUPTED)
    assert (_enrolled(), sql("SELECT count(*) FROM users WHERE email LIKE 'u%'")[0][0]) == (0, 0)
    assert runs.is_work_due()
    runs.work_when_due(None)  # never by itself: what a kill has cut off, an admin begins again
    found = _current()
    assert (found.state, found.problem, _enrolled()) == ("preview", life.INTERRUPTED, 0)
    runs.confirm(found.id, found.mark, by=admin)
    runs.work_when_due(None)
    assert (_current().state, _enrolled()) == ("applied", 2)


def test_an_interrupted_import_is_begun_again_or_canceled_without_a_worker(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    found = _previewed(tmp_path, admin)
    runs.confirm(found.id, found.mark, by=admin)
    assert life.take() is not None
    dead = "UPDATE import_runs SET owner = :owner"
    sql(dead, owner=f"{pulse.host()}:{2**22 + 1}")
    assert _current().state == "interrupted"
    runs.confirm(found.id, found.mark, by=admin)
    assert _current().state == "applying"
    assert life.take() is not None
    sql(dead, owner=f"{pulse.host()}:{2**22 + 1}")
    runs.cancel(found.id, by=admin)
    assert (_current().state, _enrolled()) == ("canceled", 0)


def test_a_file_that_ends_its_reader_each_time_is_given_up(
    admin: int, imports: Path, tmp_path: Path, sql: Sql
) -> None:
    _begun(tmp_path, admin)
    for _ in range(life.MOST_ATTEMPTS):
        assert life.take() is not None
        sql("UPDATE import_runs SET owner = :owner", owner=f"{pulse.host()}:{2**22 + 1}")
    assert life.take() is None
    assert _current().state == "failed"


def test_signs_of_life_tell_how_far_it_is(
    admin: int, imports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "BEAT_SECONDS", 0.01)
    _begun(tmp_path, admin)
    taken = life.take()
    assert taken is not None
    with beating.beating(taken.token, partial(life.beat, taken)) as progress:
        progress(37, 100)
        assert any(_current().percent == 37 for _ in range(500))
        assert not life.take()


def test_a_school_is_enrolled_once_however_often_it_is_brought(
    admin: int, imports: Path, tmp_path: Path
) -> None:
    for created in (8, 0):
        found = _previewed(tmp_path, admin)
        assert found.report is not None
        assert found.report.created == created
        runs.confirm(found.id, found.mark, by=admin)
        runs.work_when_due(None)
        assert _current().state == "applied"
    db.session.rollback()
    assert db.session.scalar(select(func.count()).where(User.email.startswith("u"))) == 5


def _kill_worker(where: str, database_url: str, instance: str) -> None:
    here, there = FORKS.Pipe(duplex=False)
    worker = FORKS.Process(target=halted.work, args=(where, database_url, instance, there))
    worker.start()
    try:
        assert here.poll(2 * PATIENCE)
        assert here.recv() == "reached"
    finally:
        worker.kill()
        worker.join()
