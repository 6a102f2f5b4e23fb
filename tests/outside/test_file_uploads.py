"""Large files of courses over real connections: cut, killed and gone on with, in little memory."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from requests import Response

from lms.web.uploads import PIECE_BYTES
from tests.bench.processes import family, listening, memory
from tests.builders import a_course
from tests.databases import Server
from tests.faults.profile import NIGHTLY
from tests.outside.client import Client, at_once, newcomer
from tests.patience import comes
from tests.server import Portal, flawless

MB = 1_000_000
BYTES = 1_000 * MB if NIGHTLY else 64 * MB
GROWN_MB = 40
"""How much more memory than before all processes may hold, however large the file is."""
LOOP_SECONDS = 6
"""The web server gives up workers that die sooner after their start, as if they couldn't start."""
HEAD = b"\0\0\0\x20ftypisom"


@pytest.fixture
def portal(server: Server) -> Iterator[Portal]:
    with flawless(server, LMS_FILE_MEGABYTES="1000") as portal:
        yield portal


@pytest.fixture
def admin(portal: Portal) -> Client:
    return newcomer(portal, "ada@example.org", role="admin", name="Ada")


@pytest.fixture
def uploads(portal: Portal) -> str:
    """Where uploads to a course begin."""
    return f"/admin/courses/{portal.call(a_course)}/uploads"


def content(start: int, stop: int) -> bytes:
    """Return a part of an endless film, of which every megabyte differs."""
    first, last = start // MB, -(-stop // MB)
    numbered = b"".join((HEAD + b"%d " % number).ljust(MB, b"\1") for number in range(first, last))
    return numbered[start - first * MB : stop - first * MB]


def tus(client: Client, method: str, address: str, **given: object) -> Response:
    names = {name.replace("_", "-"): str(given[name]) for name in given if name != "data"}
    headers = {"Tus-Resumable": "1.0.0", "X-CSRFToken": client.token, **names}
    return client.send(method, address, data=given.get("data", b""), headers=headers)


def begun(client: Client, uploads: str, length: int) -> str:
    return tus(client, "POST", uploads, Upload_Length=length).headers["Location"]


def piece(client: Client, address: str, start: int, stop: int) -> Response:
    about = {"Upload_Offset": start, "Content_Type": "application/offset+octet-stream"}
    return tus(client, "PATCH", address, data=content(start, stop), **about)


def offset(client: Client, address: str) -> int:
    return int(tus(client, "HEAD", address).headers["Upload-Offset"])


@contextmanager
def half_sent(client: Client, address: str, start: int) -> Iterator[None]:
    """Send a part of a piece, and no more of it before the connection is cut."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.http.cookies.items())
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1:{client.portal.port}\r\nCookie: {cookies}\r\n"
        f"X-CSRFToken: {client.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {start}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {PIECE_BYTES}\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", client.portal.port))) as cut:
        cut.sendall(head.encode() + content(start, start + 3 * MB))
        yield


def kill_workers(portal: Portal) -> None:
    for worker in listening(portal.port, family(portal.pid)):
        if worker != portal.pid:
            os.kill(worker, signal.SIGKILL)


def gone_on(client: Client, address: str, length: int) -> None:
    """Send all that is missing."""
    while (start := offset(client, address)) < length:
        stop = min(start + PIECE_BYTES, length)
        assert piece(client, address, start, stop).status_code in {204, 409, 503}


def kept_digest(portal: Portal) -> str:
    [(digest,)] = portal.sql("SELECT digest FROM course_files")
    path = Path(portal.app.config["LMS_FILES"]) / digest[:2] / digest[2:4] / digest
    with path.open("rb") as file:
        found = sha256()
        while some := file.read(MB):
            found.update(some)
    assert found.hexdigest() == digest
    return str(digest)


def finished(client: Client, address: str) -> Response:
    return tus(client, "POST", f"{address}/finish", data="name=film.mp4", Content_Type=FORM)


FORM = "application/x-www-form-urlencoded"


def test_a_file_goes_on_after_its_connection_was_cut_in_the_middle_of_a_piece(
    portal: Portal, admin: Client, uploads: str
) -> None:
    length = 2 * PIECE_BYTES + 7
    address = begun(admin, uploads, length)
    assert piece(admin, address, 0, PIECE_BYTES).status_code == 204
    with half_sent(admin, address, PIECE_BYTES):
        time.sleep(0.3)  # so that the server has begun to read it
        assert offset(admin, address) == PIECE_BYTES
    # What has come of the piece may count, what hasn't doesn't.
    assert PIECE_BYTES <= offset(admin, address) <= PIECE_BYTES + 3 * MB
    gone_on(admin, address, length)
    assert finished(admin, address).status_code == 200
    assert kept_digest(portal) == sha256(content(0, length)).hexdigest()


def test_a_file_goes_on_after_its_web_workers_were_killed(
    portal: Portal, admin: Client, uploads: str
) -> None:
    length = 6 * PIECE_BYTES
    address = begun(admin, uploads, length)
    for start in (0, PIECE_BYTES):
        time.sleep(LOOP_SECONDS)
        assert piece(admin, address, start, start + PIECE_BYTES).status_code == 204
        with half_sent(admin, address, start + PIECE_BYTES):
            kill_workers(portal)
        assert comes(lambda: _answers(admin))
        assert offset(admin, address) >= start + PIECE_BYTES  # what was acknowledged is there
    gone_on(admin, address, length)
    assert finished(admin, address).status_code == 200
    assert kept_digest(portal) == sha256(content(0, length)).hexdigest()


def test_two_tabs_that_send_the_same_file_make_one_of_it(
    portal: Portal, admin: Client, uploads: str
) -> None:
    length = 8 * MB
    address = begun(admin, uploads, length)

    def sent() -> Response:
        tab = admin.twin()
        while (start := offset(tab, address)) < length:
            status = piece(tab, address, start, start + MB).status_code
            if status == 404:  # the other tab has sent the rest and finished meanwhile
                break
            assert status in {204, 409, 503}
        return finished(tab, address)

    answers = at_once([sent, sent])
    assert {each.status_code for each in answers} <= {200, 503}
    assert finished(admin, address).status_code == 200
    assert kept_digest(portal) == sha256(content(0, length)).hexdigest()


def test_a_large_file_comes_in_constant_memory(portal: Portal, admin: Client, uploads: str) -> None:
    address = begun(admin, uploads, PIECE_BYTES)  # what is loaded once is loaded
    assert piece(admin, address, 0, PIECE_BYTES).status_code == 204
    tus(admin, "DELETE", address)
    before = most = _memory(portal)
    began = time.monotonic()
    address, sent = begun(admin, uploads, BYTES), sha256()
    for start in range(0, BYTES, PIECE_BYTES):
        stop = min(start + PIECE_BYTES, BYTES)
        sent.update(content(start, stop))
        assert piece(admin, address, start, stop).status_code == 204
        most = max(most, _memory(portal))
    came = time.monotonic()
    assert finished(admin, address).status_code == 200
    most = max(most, _memory(portal))
    took = f"sent in {came - began:.1f} s, finished in {time.monotonic() - came:.1f} s"
    sys.stderr.write(f"{BYTES // MB} MB: {took}, {most - before:.1f} MB more memory\n")
    assert most - before < GROWN_MB
    assert kept_digest(portal) == sent.hexdigest()


def _answers(client: Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except OSError:
        return False


def _memory(portal: Portal) -> float:
    return sum(memory(pid) for pid in family(portal.pid))
