"""Contents in a bucket: what only a bucket brings, other machines and answers that are late."""

import hashlib
import math
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from lms import sync
from lms.files import bucket, store
from lms.files import s3 as client
from lms.refusals import StorageAway
from lms.sync.health import ask_health, probes
from lms.transaction import transactional
from lms.worker import sweep_files
from tests import buckets
from tests.buckets import Between, Objects
from tests.builders import a_course, a_file
from tests.loops import in_loop
from tests.patience import PATIENCE, comes
from tests.stores import Bucket

CONFIG = (
    *("LMS_FILES", "LMS_FILES_BUCKET", "AWS_ENDPOINT_URL_S3", "AWS_REGION"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
)
LARGE = """
import re, sys
from flask import Flask
from lms.files import store
class Zeros:
    left = int(sys.argv[1])
    def read(self, most):
        size = min(most, self.left)
        self.left -= size
        return bytes(size)
app = Flask("large")
app.config.update({config!r})
with app.app_context():
    store.keep(Zeros())
print(int(re.search("VmHWM:\\s*(.*) kB", open("/proc/self/status").read()).group(1)) // 1_000)
"""


def _started(app: Flask, size: int) -> "subprocess.Popen[str]":
    script = LARGE.format(config={key: app.config[key] for key in CONFIG})
    call = [sys.executable, "-c", script, str(size)]
    return subprocess.Popen(call, stdout=subprocess.PIPE, text=True)


def test_a_large_content_goes_in_parts_and_takes_little_memory(stored: Flask) -> None:
    small, large = (_started(stored, size) for size in (1, 100_000_000))
    peaks = [int(process.communicate()[0]) for process in (small, large)]
    with stored.app_context():
        assert sorted(size for _, size in store.contents()) == [1, 100_000_000]
    assert peaks[1] - peaks[0] < 70, peaks


def test_a_process_that_is_killed_while_it_sends_leaves_nothing_half(
    stored: Flask, between: Between
) -> None:
    between.hold(f"PUT /{stored.config['LMS_FILES_BUCKET'].split('/')[2]}/")
    process = _started(stored, 40_000_000)
    assert between.has_held.wait(PATIENCE)
    process.kill()
    process.communicate()
    between.go_on.set()
    with stored.app_context():
        assert store.digests() == set()
        assert len(list(store.parts().iterdir())) == 1
        kept = store.keep(BytesIO(bytes(40_000_000)))
        assert store.contents() == [kept]


@pytest.fixture
def old(stored: Flask) -> str:
    """What nobody has named for two hours."""
    with stored.app_context():
        a_file(a_course())
        kept = store.keep(BytesIO(b"old"))
        Bucket(stored).age(kept.digest, 2)
        return kept.digest


def _swept(app: Flask) -> int:
    with app.app_context():
        return sweep_files(app)


def _kept_elsewhere(app: Flask, folder: Path) -> None:
    """Keep it anew on a machine that shares no folder with the portal."""
    elsewhere = Flask("elsewhere")
    elsewhere.config.update({key: app.config[key] for key in CONFIG})
    elsewhere.config["LMS_FILES"] = str(folder)
    with elsewhere.app_context():
        store.keep(BytesIO(b"old"))


def test_a_sweep_takes_nothing_that_another_machine_is_putting_there(
    stored: Flask, between: Between, old: str, tmp_path: Path
) -> None:
    between.hold("DELETE")
    with ThreadPoolExecutor(2) as threads:
        sweeping = threads.submit(_swept, stored)
        assert between.has_held.wait(PATIENCE)
        keeping = threads.submit(_kept_elsewhere, stored, tmp_path)
        assert comes(lambda: sum(each.startswith("PUT") for each in between.passed) >= 4)
        assert not keeping.done()
        between.go_on.set()
        assert sweeping.result() == 1
        keeping.result()
    with stored.app_context():
        assert store.size(old) == 3
    assert _swept(stored) == 0
    assert [each for each in Objects(stored).names() if "sweeping" in each] == []


def test_a_sweep_leaves_what_another_machine_has_put_there_since_it_looked(
    stored: Flask, s3: str, between: Between, old: str, tmp_path: Path
) -> None:
    between.hold("PUT")
    with ThreadPoolExecutor(1) as threads:
        sweeping = threads.submit(_swept, stored)
        assert between.has_held.wait(PATIENCE)
        direct = Flask("direct")
        direct.config.update(stored.config, AWS_ENDPOINT_URL_S3=s3)
        _kept_elsewhere(direct, tmp_path)
        between.go_on.set()
        assert sweeping.result() == 0
    with stored.app_context():
        assert store.size(old) == 3


def test_what_a_sweep_that_was_killed_left_behind_holds_up_nobody_for_long(
    stored: Flask, old: str
) -> None:
    with stored.app_context():
        mark = ".sweeping/killed"
        with client.asking("mark") as storage:
            storage.put(mark, hashlib.sha256(b"new").hexdigest().encode())
        began = time.monotonic()
        store.keep(BytesIO(b"of no interest to it"))
        assert time.monotonic() - began < 1
        Objects(stored).age(mark, (bucket._DEAD_SECONDS - 2) / 3_600)  # by the storage's clock
        began = time.monotonic()
        store.keep(BytesIO(b"new"))
        assert time.monotonic() - began > 1
        Objects(stored).age(mark, 1)
        began = time.monotonic()
        store.keep(BytesIO(b"newer"))
        assert time.monotonic() - began < 1
        assert sweep_files(stored) == 1
        assert mark not in Objects(stored).names()


def test_a_sweep_deletes_no_longer_than_uploads_wait_however_long_it_asked(
    stored: Flask, between: Between, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_SWEEP_SECONDS", 0.5)
    between.hold("HEAD")
    with ThreadPoolExecutor(1) as threads:
        sweeping = threads.submit(_swept, stored)
        assert between.has_held.wait(PATIENCE)
        time.sleep(0.5)
        between.go_on.set()
        assert sweeping.result() == 0
    monkeypatch.setattr(bucket, "_SWEEP_SECONDS", 60)
    assert _swept(stored) == 1


def test_what_a_storage_deletes_late_after_a_failure_is_put_only_once_that_is_over(
    stored: Flask, between: Between, old: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bucket, "_DEAD_SECONDS", 8)
    between.refused = ["DELETE"]
    with pytest.raises(StorageAway):
        _swept(stored)
    [mark] = [each for each in Objects(stored).names() if "sweeping" in each]
    with ThreadPoolExecutor(1) as threads:
        keeping = threads.submit(_kept_elsewhere, stored, tmp_path)
        assert comes(lambda: sum(each.startswith("PUT") for each in between.passed) >= 2)
        Bucket(stored).lose(old)  # it is carried out now
        assert not keeping.done()
        keeping.result()
    with stored.app_context():
        assert store.size(old) == 3
    Bucket(stored).age(old, 2)
    Objects(stored).age(mark, 1)
    assert _swept(stored) == 1
    assert mark not in Objects(stored).names()


def test_how_old_a_content_is_the_storage_s_clock_says(
    stored: Flask, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored.app_context():
        store.keep(BytesIO(b"young"))
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 30 * 86_400)
    assert _swept(stored) == 1
    with stored.app_context():
        assert {size for _, size in store.contents()} == {4, 5}


def test_a_sweep_that_finds_all_contents_named_or_young_holds_up_no_upload(
    stored: Flask, between: Between
) -> None:
    with stored.app_context():
        a_file(a_course())
        [digest] = store.digests()
        Bucket(stored).age(digest, 2)
        store.keep(BytesIO(b"unnamed, but young"))
    between.passed.clear()
    assert _swept(stored) == 0
    assert not [each for each in between.passed if each.startswith("PUT")]


def test_what_is_sent_takes_no_place_of_those_who_read(stored: Flask, between: Between) -> None:
    with stored.app_context():
        kept = store.keep(BytesIO(b"read"))

    def keep(number: int) -> None:
        with stored.app_context():
            store.keep(BytesIO(bytes([number])))

    between.hold("PUT")
    sending = [threading.Thread(target=keep, args=(each,)) for each in range(client._AT_ONCE)]
    for thread in sending:
        thread.start()
    assert comes(lambda: client.PUTTING._value == 0)
    with stored.app_context():
        assert store.size(kept.digest) == 4
        with pytest.raises(StorageAway):  # at once two are sent, not any number
            store.keep(BytesIO(b"more"))
    between.go_on.set()
    for thread in sending:
        thread.join()


def test_nothing_is_sent_to_a_storage_that_says_nothing(
    stored: Flask, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    between.hold("GET")
    with stored.app_context(), pytest.raises(StorageAway):
        store.keep(BytesIO(b"new"))
    assert [each for each in between.passed if each.startswith("PUT")] == []


def test_a_storage_that_says_nothing_is_not_asked_by_one_after_the_other(
    stored: Flask, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.1)
    monkeypatch.setattr(client, "_SLOW_SECONDS", 1)
    between.hold("HEAD")
    with stored.app_context():
        _wait_in_vain_but_once()
        between.go_on.set()
        assert comes(lambda: _size("0" * 64) is None)


def _wait_in_vain_but_once() -> None:
    for least, most in ((1, 30), (0, 0.5)):
        began = time.monotonic()
        with pytest.raises(StorageAway):
            store.size("0" * 64)
        assert least < time.monotonic() - began < most


def test_a_storage_that_cannot_be_connected_to_is_not_asked_by_one_after_the_other(
    stored: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_CONNECT_SECONDS", 1)
    monkeypatch.setattr(client, "_SLOW_SECONDS", 1)
    with ExitStack() as stack, stored.app_context():
        full = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0), backlog=0)))
        for _ in range(3):  # which it lets wait, and nobody after them
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        stored.config["AWS_ENDPOINT_URL_S3"] = "http://{}:{}".format(*full.getsockname())
        _wait_in_vain_but_once()


def test_an_answer_about_one_object_and_an_upload_unanswered_stop_nobody_else(
    stored: Flask, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_SLOW_SECONDS", 0)
    monkeypatch.setattr(client, "PUT_SECONDS", 0.5)
    with stored.app_context():
        kept = store.keep(BytesIO(b"kept"))
        between.refused = ["HEAD"] * 2  # it is repeated once
        with pytest.raises(StorageAway):
            store.size(kept.digest)
        assert store.size(kept.digest) == 4
        between.hold("PUT")
        with pytest.raises(StorageAway):
            store.keep(BytesIO(b"other"))
        assert store.size(kept.digest) == 4


def test_one_object_of_which_nothing_is_heard_stops_nobody_who_asks_for_another(
    stored: Flask, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 2.1)
    monkeypatch.setattr(client, "_SLOW_SECONDS", 1)

    def ask_in_vain() -> None:
        with stored.app_context(), pytest.raises(StorageAway):
            store.size("0" * 64)

    with stored.app_context():
        kept = store.keep(BytesIO(b"kept"))
        between.hold(f"HEAD {_path(stored)}/00/")
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(ask_in_vain)
            assert between.has_held.wait(PATIENCE)
            while not waiting.done():
                assert store.size(kept.digest) == 4
            waiting.result()
        assert store.size(kept.digest) == 4


def test_many_who_hear_nothing_at_once_make_one_line_of_the_log(
    stored: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    stored.config["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1"
    with stored.app_context():
        assert [_size(str(each) * 64) for each in range(5)] == [-1] * 5
    assert len([each for each in caplog.messages if "can't be used" in each]) == 1


def _path(app: Flask) -> str:
    return f"/{app.config['LMS_FILES_BUCKET'].removeprefix('s3://')}"


def _size(digest: str) -> int | None:
    try:
        return store.size(digest)
    except StorageAway:
        return -1


def test_nobody_asks_it_inside_a_transaction(stored: Flask) -> None:
    @transactional
    def ask(_: Session) -> None:
        store.size("0" * 64)

    with stored.app_context(), pytest.raises(RuntimeError, match="inside a transaction"):
        ask()


def test_a_client_that_panics_is_a_storage_that_is_away(stored: Flask) -> None:
    panics = [("PanicException", BaseException), ("RustPanic", Exception)]  # as it raises them
    with stored.app_context():
        for name, base in panics:
            with pytest.raises(StorageAway), client.asking("read"):
                raise type(name, (base,), {})
        with pytest.raises(KeyboardInterrupt), client.asking("read"):
            raise KeyboardInterrupt


def test_a_content_that_ends_early_is_not_taken_for_whole(stored: Flask) -> None:
    content = os.urandom(1_000)
    with stored.app_context():
        kept = store.keep(BytesIO(content))
        Bucket(stored).damage(kept.digest, content[:900])
        for start in (0, 500, 950):
            with pytest.raises(FileNotFoundError):
                bucket.Content(kept.digest, 1_000, start, 1_000).begin(100)
            with pytest.raises(FileNotFoundError):
                in_loop(bucket.Content(kept.digest, 1_000, start, 1_000).begin_in_loop(100))
        Bucket(stored).damage(kept.digest, content)
        given = bucket.Content(kept.digest, 1_000, 0, 1_000)
        assert given.begin(100) == content[:100]
        Bucket(stored).damage(kept.digest, content[:50])
        with pytest.raises(StorageAway):
            given.read(1_000)


def test_a_portal_without_a_bucket_imports_no_client() -> None:
    script = "import sys, app; print('obstore' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)
    assert said.stdout == b"False\n"


def test_a_portal_without_a_bucket_has_nobody_wait_for_one(app: Flask) -> None:
    with app.app_context():
        sync.health()
        ask_health()
        assert probes().storage.heard(time.monotonic()).age == math.inf


def test_keys_and_prefix_keep_portals_of_one_bucket_apart(stored: Flask) -> None:
    other = stored.config["LMS_FILES_BUCKET"].replace(buckets.PREFIX, "other")
    with stored.app_context():
        store.keep(BytesIO(b"ours"))
        stored.config["LMS_FILES_BUCKET"] = other
        assert store.digests() == set()
        kept = store.keep(BytesIO(b"theirs"))
        assert store.digests() == {hashlib.sha256(b"theirs").hexdigest()} == {kept.digest}
