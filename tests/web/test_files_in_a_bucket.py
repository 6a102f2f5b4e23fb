"""Files out of a bucket: for those who may read them, and 503 while it is out of reach."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import QueuePool
from werkzeug.wrappers import Response

from lms import enrollment, sync
from lms.db import db
from lms.files import bucket, copies, store, unfinished
from lms.files import s3 as client
from lms.worker import sweep_files
from tests import buckets
from tests.builders import a_chapter, a_file, a_logo, a_public_course, an_admin
from tests.patience import PATIENCE, comes
from tests.web.browser import Browser
from tests.web.conftest import Act

CONTENT = os.urandom(300_000)
AWAY = "reach its file storage"


@pytest.fixture
def address(stored: Flask, admin: Browser, act: Act) -> str:
    course_id = act(a_public_course, "Botany")
    file_id = act(a_file, course_id, "film.mp4", CONTENT, kind="video", media_type="video/mp4")
    return f"/courses/{course_id}/files/{file_id}/film.mp4"


def test_a_file_is_sent_whole_and_in_parts(stored: Flask, admin: Browser, address: str) -> None:
    whole = admin.get(address)
    assert (whole.status_code, whole.data) == (200, CONTENT)
    assert admin.get(address, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    for asked, start, stop in (("100-199", 100, 200), ("-5", -5, None), ("7-", 7, None)):
        part = admin.get(address, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.data) == (206, CONTENT[start:stop])
    beyond = {"Range": f"bytes={len(CONTENT)}-"}
    assert admin.get(address, headers=beyond).status_code == 416
    head = admin.head(address)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))
    assert Browser(stored).get(address).status_code == 303
    with stored.app_context():
        [(digest, _)] = store.contents()
        bucket.delete(digest)
    assert admin.get(address).status_code == 404


@pytest.fixture
def certificate(stored: Flask, student: Browser, act: Act) -> str:
    """The address of a student's certificate."""
    course = act(a_public_course, "Botany")
    chapter = act(a_chapter, course)
    act(enrollment.enroll_directly, student.user_id, course)
    act(enrollment.complete_chapter, student.user_id, chapter)
    return f"/student/courses/{course}/certificate"


def _logos(certificate: Response) -> int:
    assert certificate.status_code == 200
    [page] = PdfReader(BytesIO(certificate.data)).pages
    return len(page.images)


def _connections() -> int:
    assert isinstance(db.engine.pool, QueuePool)
    return db.engine.pool.checkedout()


def test_a_logo_chosen_here_is_sent_and_drawn_from_a_copy_for_as_long_as_it_is_named(
    stored: Flask, between: buckets.Between, admin: Browser, student: Browser, certificate: str
) -> None:
    chosen = BytesIO()
    Image.new("RGB", (32, 32), "green").save(chosen, "PNG")
    admin.send_file("/admin/settings/logo", chosen.getvalue(), "logo.png")
    with stored.app_context():
        [(digest, size)] = store.contents()
        found = copies.find(digest, size)
        assert found
        then = time.time() - 25 * 3_600
        os.utime(found, (then, then))
        sweep_files(stored)
        between.passed.clear()
        whole = student.get(f"/logo/{digest}").data
        assert (len(whole), _logos(student.get(certificate))) == (size, 1)
        assert between.passed == []
    admin.send_form("/admin/settings/logo/remove")
    with stored.app_context():
        sweep_files(stored)
        assert not found.exists()


def test_half_a_copy_is_none_and_no_upload(stored: Flask, browser: Browser, act: Act) -> None:
    digest = act(a_logo, by=act(an_admin))
    with stored.app_context():
        [(_, size)] = store.contents()
        copy = copies.find(digest, size)
        assert copy
        copy.write_bytes(copy.read_bytes()[: size // 2])
        assert copies.find(digest, size) is None
        assert unfinished.bytes_announced() == 0
    assert len(browser.get(f"/logo/{digest}").data) == size
    with stored.app_context():
        assert copies.fetched(digest, size)


def test_a_certificate_is_drawn_without_a_logo_that_is_away_and_then_with_it(  # noqa: PLR0917
    stored: Flask,
    student: Browser,
    certificate: str,
    act: Act,
    between: buckets.Between,
    tmp_path: Path,
) -> None:
    act(a_logo, by=act(an_admin))
    stored.config.update(LMS_FILES=str(tmp_path / "elsewhere"))
    twin = Browser(stored)
    twin.sign_in("sam@example.org")
    between.hold("HEAD")
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(student.get, certificate)
        assert between.has_held.wait(PATIENCE)
        with stored.app_context():
            assert _connections() == 0
        other = twin.get(certificate)  # of all threads of a process one waits
        assert not first.done()
        between.go_on.set()
        assert (_logos(other), _logos(first.result())) == (0, 1)
    assert "ETag" not in other.headers
    assert student.get(certificate).headers["ETag"] == first.result().headers["ETag"]


ANSWERS = {
    "refused": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 43\r\n\r\n"
    b"<?xml?>\n<Error><Code>Expired</Code></Error>",
    "broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "odd": b"hello\r\n\r\n",
    "silent": b"",
    "nobody": None,
}


WHY = {
    "refused": "Expired",
    "broken": "500 Internal",
    "silent": "TimedOut",
    "nobody": "Connection refused",
    "no bucket": "NoSuchBucket",
}
"""What operators are told."""


@contextmanager
def _server(answer: bytes | None) -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
        else:
            threading.Thread(target=_answer_all, args=(server, answer), daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        if answer is not None:
            server.shutdown(socket.SHUT_RDWR)


def _answer_all(server: socket.socket, answer: bytes) -> None:
    kept = []
    try:
        while True:
            client, _ = server.accept()
            client.recv(65_536)
            client.sendall(answer)
            kept.append(client)
            if answer:
                client.close()
    except OSError:  # the test has ended
        for client in kept:
            client.close()


@pytest.mark.parametrize("how", [*ANSWERS, "no bucket"])
def test_a_bucket_out_of_reach_is_a_503_and_nothing_is_lost(  # noqa: PLR0917
    stored: Flask,
    admin: Browser,
    address: str,
    s3: str,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(client, "PUT_SECONDS", 0.6)
    with _server(ANSWERS.get(how)) as endpoint:
        stored.config.update(buckets.settings(s3 if how == "no bucket" else endpoint, "nowhere"))
        course = address.partition("/files")[0]
        for answer in (
            admin.get(address),
            admin.head(address),
            admin.send_file(f"/admin{course}/files", b"WEBVTT\n\n", "words.vtt"),
        ):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert answer.request.method == "HEAD" or AWAY in answer.text
            assert "secret-of-the-bucket" not in answer.text
        with stored.app_context():
            assert sync.validate().counts["lost_file"] == 0
        told = [each for each in caplog.messages if "storage of files can't be used" in each]
        assert any(WHY.get(how, "") in each for each in told)
        assert not [each for each in told if "secret-of" in each or "Debug source" in each]
        if how == "refused":
            health = admin.get("/api/sync/health").get_json()
            assert any("LMS_FILES_BUCKET" in each for each in health["problems"])
            assert admin.get("/admin/settings").status_code == 200


def test_the_page_of_sync_says_that_a_bucket_is_away(stored: Flask, admin: Browser) -> None:
    assert "LMS_FILES_BUCKET" not in admin.get("/admin/sync").text
    stored.config.update(buckets.settings("http://127.0.0.1:1", "nowhere"))
    assert comes(lambda: "LMS_FILES_BUCKET" in admin.get("/admin/sync").text)


@pytest.mark.parametrize("how", ["read", "add"])
def test_who_waits_for_the_storage_holds_no_connection(
    stored: Flask,
    between: buckets.Between,
    admin: Browser,
    address: str,
    how: str,
) -> None:
    page = f"/admin{address.rpartition('/files')[0]}/files"
    between.hold(f"{'GET' if how == 'read' else 'PUT'} /bucket")
    with ThreadPoolExecutor(1) as threads:
        answer = (
            threads.submit(admin.get, address)
            if how == "read"
            else threads.submit(admin.send_file, page, b"WEBVTT\n\n", "words.vtt")
        )
        assert between.has_held.wait(PATIENCE)
        with stored.app_context():
            held = _connections()
        between.go_on.set()
        assert held == 0
        assert answer.result().status_code in {200, 303}


def test_who_asks_for_a_file_s_headers_has_none_of_it_read(
    stored: Flask, admin: Browser, address: str
) -> None:
    between = buckets.Between(stored.config["AWS_ENDPOINT_URL_S3"])
    stored.config["AWS_ENDPOINT_URL_S3"] = between.endpoint
    assert admin.head(address).headers["Content-Length"] == str(len(CONTENT))
    assert [each.partition(" ")[0] for each in between.passed] == ["HEAD"]
    between.close()
