"""An upload in pieces: what has come lies there, each byte once, whoever sends it how often."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from errno import ENOSPC
from io import BytesIO
from pathlib import Path
from stat import S_ISDIR

import pytest
from flask import Flask

from lms.files import store, unfinished
from lms.refusals import Busy, Invalid, UploadIncomplete, UploadNotFound, WrongOffset
from lms.worker import sweep_files

CONTENT = os.urandom(5_000_000)
KILLS = """
import os, signal, sys
from io import BytesIO
from flask import Flask
from lms.files import unfinished
from tests.files.killing import kill_at
app = Flask("killed")
app.config["LMS_FILES"], content = sys.argv[1], bytes(range(250)) * 20_000
def take(file):
    file.seek(0)
    assert file.read() == content
    return 7
def go_on(key, last):
    kill_at(last, unfinished)
    upload = unfinished.find(key, 1, by=2)
    if (at := upload.offset) < len(content):
        unfinished.append(upload, BytesIO(content[at:]), at=at, size=len(content) - at)
    assert unfinished.finish(upload, take) == 7
def killed(key, last):
    if child := os.fork():
        return os.waitpid(child, 0)[1]
    try:
        go_on(key, last)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
with app.app_context():
    for line in range(1, 500):
        upload = unfinished.begin(1, by=2, length=len(content))
        unfinished.append(upload, BytesIO(content[:1_000_000]), at=0, size=1_000_000)
        ended = killed(upload.key, line)
        if ended == 0:
            break
        assert ended == signal.SIGKILL, ended
        assert killed(upload.key, -1) == 0, line
print(line)
"""
"""At every line that a process executes, another one is killed there, and a third goes on."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Flask]:
    """A portal that has nothing but its folder of files."""
    app = Flask("here")
    app.config["LMS_FILES"] = str(tmp_path / "files")
    with app.app_context():
        yield app


def _begun(length: int = len(CONTENT)) -> unfinished.Unfinished:
    return unfinished.begin(1, by=2, length=length)


def _sent(upload: unfinished.Unfinished, start: int, stop: int) -> int:
    piece = BytesIO(CONTENT[start:stop])
    return unfinished.append(upload, piece, at=start, size=stop - start)


def test_what_came_in_pieces_is_taken_whole_and_once(here: Flask) -> None:
    upload, taken = _begun(), []

    def take(file: object) -> int:
        file.seek(0)  # type: ignore[attr-defined]
        taken.append(file.read())  # type: ignore[attr-defined]
        return 7

    assert _sent(upload, 0, 3_000_000) == upload.offset == 3_000_000
    with pytest.raises(UploadIncomplete):
        unfinished.finish(upload, take)
    assert _sent(upload, 3_000_000, len(CONTENT)) == len(CONTENT)
    assert unfinished.finish(upload, take) == unfinished.finish(upload, take) == 7
    assert taken == [CONTENT]
    found = unfinished.find(upload.key, 1, by=2)
    assert (found, found.offset) == (upload, len(CONTENT))
    assert not upload.path.exists()


def test_a_piece_that_came_before_or_comes_too_early_is_refused(here: Flask) -> None:
    upload = _begun()
    _sent(upload, 0, 1_000)
    for start in (0, 999, 1_001, 2_000):
        with pytest.raises(WrongOffset) as refused:
            _sent(upload, start, start + 1_000)
        assert refused.value.offset == 1_000
    assert upload.path.read_bytes() == CONTENT[:1_000]


def test_what_is_longer_than_announced_is_refused(here: Flask) -> None:
    upload = _begun(1_000)
    with pytest.raises(Invalid):
        _sent(upload, 0, 1_001)
    assert upload.offset == 0


def test_only_who_began_it_finds_it_and_in_its_course_alone(here: Flask) -> None:
    upload = _begun()
    assert unfinished.find(upload.key, 1, by=2) == upload
    for key, course, person in (
        (upload.key, 1, 3),
        (upload.key, 3, 2),
        ("0" * 32, 1, 2),
        ("*" * 32, 1, 2),
        ("*", 1, 2),
        ("", 1, 2),
        (upload.key[:31] + "?", 1, 2),
    ):
        with pytest.raises(UploadNotFound):
            unfinished.find(key, course, by=person)


def test_while_a_piece_is_written_no_other_is(here: Flask) -> None:
    upload = _begun()

    class Piece(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            with pytest.raises(Busy):
                _sent(upload, 0, 500)
            with pytest.raises(Busy):
                unfinished.finish(upload, lambda _: 7)
            return super().read(size)

    assert unfinished.append(upload, Piece(CONTENT[:1_000]), at=0, size=1_000) == 1_000
    assert upload.path.read_bytes() == CONTENT[:1_000]


def test_pieces_of_two_tabs_come_one_after_the_other(here: Flask) -> None:
    upload = _begun()
    refused = []

    def send_all() -> None:
        with here.app_context():
            while (at := upload.offset) < len(CONTENT):
                try:
                    _sent(upload, at, min(at + 50_000, len(CONTENT)))
                except (WrongOffset, Busy) as refusal:
                    refused.append(refusal)

    tabs = [threading.Thread(target=send_all) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert upload.path.read_bytes() == CONTENT
    assert refused


def test_what_the_disk_refuses_is_taken_back(here: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = _begun()
    _sent(upload, 0, 1_000)

    def refuse(_: int) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            _sent(upload, 1_000, 2_000)
    assert upload.path.read_bytes() == CONTENT[:1_000]


def test_a_process_that_is_killed_at_any_line_leaves_an_upload_that_goes_on(tmp_path: Path) -> None:
    call = [sys.executable, "-c", KILLS, str(tmp_path / "files")]
    done = subprocess.run(call, check=False, capture_output=True, text=True)
    assert done.stderr == ""
    assert int(done.stdout) > 40


def test_what_nobody_goes_on_with_goes_after_a_day(context: Flask) -> None:
    lost, current = _begun(), _begun()
    then = time.time() - 25 * 3_600
    for upload in (lost, current):
        _sent(upload, 0, 1_000)
        os.utime(upload.path, (then, then))
    _sent(current, 1_000, 2_000)
    assert unfinished.bytes_announced() == 2 * len(CONTENT)
    sweep_files(context)
    with pytest.raises(UploadNotFound):
        unfinished.find(lost.key, 1, by=2)
    assert unfinished.find(current.key, 1, by=2).offset == 2_000
    assert store.digests() == set()


def test_what_is_canceled_while_it_is_worked_on_is_gone_and_no_fault(here: Flask) -> None:
    canceled, finished, cut = _begun(1_000), _begun(1_000), _begun(1_000)
    for upload in (canceled, finished, cut):
        _sent(upload, 0, 1_000)

    def take(_: object) -> int:
        unfinished.forget(finished)
        return 7

    assert unfinished.finish(finished, take) == 7
    assert unfinished.finish(finished, take) == 7
    unfinished.finish(cut, lambda _: 7)
    cut.done.write_bytes(b"")
    for upload in (canceled, finished):
        unfinished.forget(upload)
    with pytest.raises(UploadNotFound):
        unfinished.beginning(canceled)
    with pytest.raises(UploadNotFound):
        assert canceled.offset
    for upload in (canceled, finished, cut):
        with pytest.raises(UploadNotFound):
            unfinished.finish(upload, lambda _: 7)


def test_which_file_it_became_is_on_the_disk_before_what_came_goes(
    here: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, synced = _begun(1_000), []
    _sent(upload, 0, 1_000)
    real = os.fsync

    def sync(number: int) -> None:
        assert upload.path.exists()
        synced.append((S_ISDIR(os.fstat(number).st_mode), upload.done.exists()))
        real(number)

    with monkeypatch.context() as seen:
        seen.setattr(os, "fsync", sync)
        unfinished.finish(upload, lambda _: 7)
    assert synced == [(False, False), (True, True)]
    assert not upload.path.exists()


def test_the_room_is_counted_while_uploads_come_and_go(here: Flask) -> None:
    ended, faults = threading.Event(), []

    def come_and_go() -> None:
        with here.app_context():
            while not ended.is_set():
                unfinished.forget(_begun(1_000))

    others = [threading.Thread(target=come_and_go) for _ in range(3)]
    for other in others:
        other.start()
    try:
        for _ in range(1_000):
            unfinished.bytes_announced()
    except FileNotFoundError as fault:
        faults.append(fault)
    ended.set()
    for other in others:
        other.join()
    assert faults == []


def test_what_is_announced_takes_room_until_it_is_finished(here: Flask) -> None:
    first, second = _begun(1_000), _begun(2_000)
    _sent(first, 0, 1_000)
    _sent(second, 0, 10)
    assert unfinished.bytes_announced() == 3_000

    def take(_: object) -> int:
        first.done.write_text("7")  # as after a kill: noted, and not deleted yet
        assert unfinished.bytes_announced() == 2_000
        return 7

    unfinished.finish(first, take)
    assert unfinished.bytes_announced() == 2_000
    unfinished.forget(second)
    assert unfinished.bytes_announced() == 0
