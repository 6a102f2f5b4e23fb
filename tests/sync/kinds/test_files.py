"""Files of no course, and files whose content is gone."""

from io import BytesIO

import pytest
from flask import Flask

from lms import live, sync
from lms.db import db
from lms.files import store
from lms.sync.reports import CHECKED
from tests import stores
from tests.buckets import Between
from tests.builders import a_course, a_file, a_logo, an_admin
from tests.conftest import Sql
from tests.steps import steps_within
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, NOBODY, School

_ROW = (
    "INSERT INTO course_files (course_id, name, kind, media_type, digest, bytes, alt, created_at)"
    " VALUES (?, 'lost.png', 'picture', 'image/png', ?, 4, '', ?)"
)


@injection("refused")
def orphaned_file(d: Damage, s: School) -> None:
    d.run(_ROW, NOBODY, store.keep(BytesIO(b"kept")).digest, LONG_AGO)


@injection(needs_attention=True)
def lost_file(d: Damage, s: School) -> None:
    d.run(_ROW, s.algebra, "0" * 64, LONG_AGO)


@injection(needs_attention=True)
def lost_logo(d: Damage, s: School) -> None:
    d.run("DELETE FROM school_settings")
    d.run(
        "INSERT INTO school_settings (id, version, changed_at, logo_digest, logo_bytes, logo_type,"
        " logo_width, logo_height) VALUES (1, 1, ?, ?, 4, 'image/png', 3, 3)",
        *(LONG_AGO, "0" * 64),
    )


@pytest.mark.parametrize("left", [None, b"cel"])
def test_a_file_whose_content_is_gone_or_cut_off_is_mended_by_the_same_upload(
    context: Flask, left: bytes | None
) -> None:
    course_id = a_course()
    a_file(course_id)
    [digest] = store.digests()
    assert sync.validate().ok
    if left is None:
        store.place(digest).unlink()
    else:
        store.place(digest).write_bytes(left)
    assert sync.validate().counts["lost_file"] == 1
    reported = _checked()
    a_file(course_id)
    assert _checked() > reported  # so that the page has the school validated again
    assert sync.validate().ok


def test_no_command_takes_files_for_whole_that_it_could_not_check(
    stored: Flask, between: Between
) -> None:
    with stored.app_context():
        a_file(a_course())
        stores.Bucket(stored).lose(*store.digests())
    call = stored.test_cli_runner().invoke
    assert call(args=["sync", "validate"]).exit_code == 1
    between.refused = ["GET"] * 100
    validated, repaired = (call(args=["sync", each]) for each in ("validate", "auto-fix"))
    assert (validated.exit_code, repaired.exit_code) == (2, 1)
    assert "Files and the logo weren't checked." in validated.output
    assert "Files and the logo weren't checked." in repaired.output
    between.refused = []
    assert [call(args=["sync", each]).exit_code for each in ("validate", "auto-fix")] == [1, 1]


def test_a_logo_whose_content_is_gone_is_mended_by_the_same_upload(context: Flask) -> None:
    admin = an_admin()
    digest = a_logo(by=admin)
    assert sync.validate().ok
    store.place(digest).unlink()
    assert sync.validate().counts["lost_logo"] == 1
    reported = _checked()
    assert a_logo(by=admin) == digest
    assert _checked() > reported
    assert sync.validate().ok


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_validation_reads_the_list_of_contents_once_however_many_files_there_are(
    context: Flask, sql: Sql
) -> None:
    course_id = a_course()
    db.session.remove()
    with steps_within(db.engine) as tens:
        costs = []
        for files in (range(200), range(200, 1_600)):
            _add_files(sql, course_id, files)
            before = len(tens)
            assert sync.validate().ok
            costs.append(len(tens) - before)
        db.session.remove()
    assert costs[1] < 9 * costs[0]


def _add_files(sql: Sql, course_id: int, numbers: range) -> None:
    rows = [(f"{number:064x}", f"{number}.txt") for number in numbers]
    store.place(rows[0][0]).parent.mkdir(parents=True, exist_ok=True)
    for digest, _ in rows:
        store.place(digest).write_bytes(b"x")
    values = ", ".join(
        f"(:course, '{name}', 'document', 'text/plain', '{digest}', 1, '', :at)"
        for digest, name in rows
    )
    into = "course_files (course_id, name, kind, media_type, digest, bytes, alt, created_at)"
    sql(f"INSERT INTO {into} VALUES {values}", course=course_id, at=LONG_AGO)


def _checked() -> int:
    return live.version(db.session(), CHECKED)
