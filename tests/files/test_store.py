"""Contents lie there whole or not at all, and go once nobody has named them for an hour."""

import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment
from lms.files import store
from lms.worker import sweep_files
from tests.builders import a_course, a_file, a_logo, an_admin

KILLED = """
import os, signal, sys
from flask import Flask
from lms.files import store
from tests.files.killing import kill_at
app = Flask("killed")
def keep(last):
    app.config["LMS_FILES"] = os.path.join(sys.argv[1], str(last))
    with app.app_context(), open(sys.argv[2], "rb") as given:
        kill_at(last, store)
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


def _age(path: Path, hours: float) -> None:
    then = time.time() - hours * 3_600
    os.utime(path, (then, then))


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


def test_what_no_row_names_goes_after_an_hour_and_nothing_else(context: Flask) -> None:
    course_id = a_course()
    kept = a_file(course_id, "kept.png", b"kept")
    twice, other = a_file(course_id, "one.png", b"two"), a_file(a_course("B"), "two.png", b"two")
    young, old = store.keep(BytesIO(b"young")), store.keep(BytesIO(b"old"))
    for digest in store.digests() - {young.digest}:
        _age(store.place(digest), 2)
    assert sweep_files(context) == 1
    assert store.size(old.digest) is None
    assert store.size(young.digest) == 5
    enrollment.delete_file(course_id, twice, by=None)
    assert sweep_files(context) == 0
    enrollment.delete_file(course_id + 1, other, by=None)
    assert sweep_files(context) == 1
    assert kept
    assert len(store.digests()) == 2


def test_the_school_s_logo_stays_and_the_one_before_goes(context: Flask) -> None:
    a_course()
    admin = an_admin()
    before, logo = a_logo(by=admin, side=32), a_logo(by=admin)
    for digest in (before, logo):
        _age(store.place(digest), 2)
    assert sweep_files(context) == 1
    assert store.digests() == {logo}


def test_an_upload_that_is_repeated_keeps_its_content_for_another_hour(context: Flask) -> None:
    a_file(a_course(), "kept.png", b"kept")
    first = store.keep(BytesIO(b"again"))
    _age(store.place(first.digest), 2)
    assert store.keep(BytesIO(b"again")) == first
    assert sweep_files(context) == 0


def test_a_school_without_files_keeps_them_since_it_may_just_be_restored(context: Flask) -> None:
    kept = store.keep(BytesIO(b"of a school that comes back"))
    _age(store.place(kept.digest), 48)
    assert sweep_files(context) == 0
    assert store.size(kept.digest)


def test_what_was_in_the_last_file_goes_too(context: Flask) -> None:
    course_id = a_course()
    enrollment.delete_file(course_id, a_file(course_id), by=None)
    [digest] = store.digests()
    _age(store.place(digest), 2)
    assert sweep_files(context) == 1


def test_what_was_being_written_when_its_process_died_goes_after_a_day(context: Flask) -> None:
    lost, current = store.part(), store.part()
    lost.write_bytes(b"x")
    current.write_bytes(b"y")
    _age(lost, 25)
    sweep_files(context)
    assert (lost.exists(), current.exists()) == (False, True)


@pytest.mark.parametrize("broken", [b"other", b""])
def test_what_was_damaged_is_mended_by_the_same_upload(context: Flask, broken: bytes) -> None:
    kept = store.keep(BytesIO(b"whole"))
    store.place(kept.digest).write_bytes(broken)
    store.keep(BytesIO(b"whole"))
    assert store.place(kept.digest).read_bytes() == b"whole"
