"""Contents lie there whole or not at all, and go once nobody has named them for an hour."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment, sync
from lms.files import store
from lms.files.content import Content
from lms.refusals import FileLost
from lms.worker import sweep_files
from tests.builders import a_course, a_file, a_logo, an_admin
from tests.stores import Home, content_of

CONTENT = os.urandom(300_000)

KILLED = """
import os, signal, sys
from flask import Flask
from lms.files import folder, store
from tests.files.killing import kill_at
app = Flask("killed")
def keep(last):
    app.config["LMS_FILES"] = os.path.join(sys.argv[1], str(last))
    app.config["LMS_FILES_BUCKET"] = None
    with app.app_context(), open(sys.argv[2], "rb") as given:
        kill_at(last, store, folder)
        store.keep(given)
for last in range(1, 200):
    child = os.fork()
    if not child:
        keep(last)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(last, ended)
    if ended != -signal.SIGKILL:
        break
"""
"""Keeps the same content again and again, each time killed a line later, until it isn't."""


def test_a_process_that_is_killed_at_any_line_leaves_nothing_half(tmp_path: Path) -> None:
    content = bytes(3_000_000)
    given = tmp_path / "given"
    given.write_bytes(content)
    call = [sys.executable, "-c", KILLED, str(tmp_path), str(given)]
    said = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout
    ends = {int(line): int(ended) for line, ended in map(str.split, said.splitlines())}
    assert len(ends) > 6
    *killed, last = ends.values()
    assert set(killed) == {-signal.SIGKILL}
    assert last == 0, "it never got to the end"
    for line in ends:
        for path in (tmp_path / str(line)).rglob("?" * 64):
            assert path.read_bytes() == content


def test_a_content_lies_there_once_and_under_its_digest(context: Flask, home: Home) -> None:
    kept = store.keep(BytesIO(CONTENT))
    assert store.keep(BytesIO(CONTENT)) == kept
    assert kept.digest == hashlib.sha256(CONTENT).hexdigest()
    assert store.contents() == [(kept.digest, len(CONTENT))]
    assert (store.size(kept.digest), store.size("0" * 64)) == (len(CONTENT), None)
    with closing(store.opened(kept.digest)) as found:
        assert [found.read(200_000), found.read(len(CONTENT))] == [
            CONTENT[:200_000],
            CONTENT[200_000:],
        ]
        assert found.read(1) == b""
    with pytest.raises(FileNotFoundError):
        store.opened("0" * 64)
    assert list(store.parts().iterdir()) == []


def test_what_no_row_names_goes_after_an_hour_and_nothing_else(context: Flask, home: Home) -> None:
    course_id = a_course()
    kept = a_file(course_id, "kept.png", b"kept")
    twice, other = a_file(course_id, "one.png", b"two"), a_file(a_course("B"), "two.png", b"two")
    young, old = store.keep(BytesIO(b"young")), store.keep(BytesIO(b"old"))
    for digest in store.digests() - {young.digest}:
        home.age(digest, 2)
    home.age(young.digest, 0.9)
    assert sweep_files(context) == 1
    assert store.size(old.digest) is None
    assert store.size(young.digest) == 5
    enrollment.delete_file(course_id, twice, by=None)
    assert sweep_files(context) == 0
    enrollment.delete_file(course_id + 1, other, by=None)
    assert sweep_files(context) == 1
    assert kept
    assert len(store.digests()) == 2


def test_the_school_s_logo_stays_and_the_one_before_goes(context: Flask, home: Home) -> None:
    a_course()
    admin = an_admin()
    before, logo = a_logo(by=admin, side=32), a_logo(by=admin)
    for digest in (before, logo):
        home.age(digest, 2)
    assert sweep_files(context) == 1
    assert store.digests() == {logo}


def test_an_upload_that_is_repeated_keeps_its_content_for_another_hour(
    context: Flask, home: Home
) -> None:
    a_file(a_course(), "kept.png", b"kept")
    first = store.keep(BytesIO(b"again"))
    home.age(first.digest, 2)
    assert store.keep(BytesIO(b"again")) == first
    assert sweep_files(context) == 0


def test_a_school_without_files_keeps_them_since_it_may_just_be_restored(
    context: Flask, home: Home
) -> None:
    kept = store.keep(BytesIO(b"of a school that comes back"))
    home.age(kept.digest, 48)
    assert sweep_files(context) == 0
    assert store.size(kept.digest)


def test_what_was_in_the_last_file_goes_too(context: Flask, home: Home) -> None:
    course_id = a_course()
    enrollment.delete_file(course_id, a_file(course_id), by=None)
    [digest] = store.digests()
    home.age(digest, 2)
    assert sweep_files(context) == 1


def test_what_was_being_written_when_its_process_died_goes_after_a_day(context: Flask) -> None:
    lost, current = store.part(), store.part()
    lost.write_bytes(b"x")
    current.write_bytes(b"y")
    then = time.time() - 25 * 3_600
    os.utime(lost, (then, then))
    sweep_files(context)
    assert (lost.exists(), current.exists()) == (False, True)


@pytest.mark.parametrize("broken", [b"other", b""])
def test_what_was_damaged_is_mended_by_the_same_upload(
    context: Flask, home: Home, broken: bytes
) -> None:
    kept = store.keep(BytesIO(b"whole"))
    home.damage(kept.digest, broken)
    store.keep(BytesIO(b"whole"))
    assert content_of(kept.digest) == b"whole"


def test_a_content_that_is_gone_is_a_violation_until_it_is_uploaded_again(
    context: Flask, home: Home
) -> None:
    course_id = a_course()
    a_file(course_id, "kept.png", b"kept")
    [digest] = store.digests()
    home.lose(digest)
    assert sync.validate().counts["lost_file"] == 1
    a_file(course_id, "kept.png", b"kept")
    assert sync.validate().ok


def test_a_verb_that_names_what_is_gone_changes_nothing(context: Flask, home: Home) -> None:
    kept = store.keep(BytesIO(b"gone"))
    home.lose(kept.digest)
    lost = Content(kept.digest, kept.bytes, "picture", "image/png", 3, 3)
    with pytest.raises(FileLost):
        enrollment.add_file(a_course(), lost, name="a.png", by=None)
    with pytest.raises(FileLost):
        enrollment.choose_logo(lost, by=an_admin())
    assert sync.validate().ok
