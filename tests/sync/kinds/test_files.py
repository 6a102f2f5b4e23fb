"""Files of no course, and files whose content is gone."""

from io import BytesIO

import pytest
from flask import Flask

from lms import live, sync
from lms.db import db
from lms.files import store
from lms.sync.reports import CHECKED
from tests.builders import a_course, a_file, a_logo, an_admin
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


def _checked() -> int:
    return live.version(db.session(), CHECKED)
