"""Files of no course, and files whose content is gone."""

from io import BytesIO

import pytest
from flask import Flask

from lms import sync
from lms.files import store
from tests.builders import a_course, a_file
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
    a_file(course_id)
    assert sync.validate().ok
