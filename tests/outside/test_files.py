"""Files of courses over real connections: whole, in part, however slowly they are read."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from shutil import rmtree

import pytest
from urllib3.filepost import encode_multipart_formdata

from lms import enrollment
from lms.files import copies
from lms.web.front import streams
from tests import buckets
from tests.bench.processes import family, memory
from tests.builders import a_file, a_logo, a_public_course, an_admin
from tests.databases import Server
from tests.outside.client import Client, newcomer
from tests.patience import PATIENCE, comes
from tests.server import Portal, flawless

SLOW = 60
"""Readers at once: more than there are threads."""
FEW = bytes(range(250)) * 20_000
PEOPLE = range(streams.MOST // streams.MOST_OF_ONE)
CONTENT = bytes(range(250)) * 4_000 * 64
MB_OF_ALL = SLOW * len(CONTENT) / 1_000_000


@pytest.fixture(params=["folder", "bucket"])
def portal(server: Server, request: pytest.FixtureRequest) -> Iterator[Portal]:
    kept = {} if request.param == "folder" else buckets.new(request.getfixturevalue("s3"))
    with flawless(server, LMS_FILE_MEGABYTES="100", **kept) as portal:
        portal.app.config.update(kept)
        yield portal


@pytest.fixture
def reader(portal: Portal) -> Client:
    """A student of the course with the file."""
    return _reader(portal)


@pytest.fixture
def address(portal: Portal, reader: Client) -> str:
    return _address(portal)


def _reader(portal: Portal) -> Client:
    portal.call(a_public_course)
    return _another_reader(portal, "sam@example.org")


def _another_reader(portal: Portal, email: str) -> Client:
    student = newcomer(portal, email)
    course_id = portal.sql("SELECT id FROM courses")[0][0]
    portal.call(enrollment.enroll_directly, student.user_id, course_id)
    return student


def _address(portal: Portal, content: bytes = CONTENT) -> str:
    course_id = portal.sql("SELECT id FROM courses")[0][0]
    video = {"kind": "video", "media_type": "video/mp4"}
    file_id = portal.call(a_file, course_id, "film.mp4", content, **video)
    return f"/courses/{course_id}/files/{file_id}/film.mp4"


def test_a_file_arrives_whole_and_in_parts_and_head_brings_none_of_it(
    reader: Client, address: str
) -> None:
    whole = reader.get(address)
    assert (whole.status_code, whole.headers["Content-Length"]) == (200, str(len(CONTENT)))
    assert whole.content == CONTENT
    for start, last in ((0, 0), (1_000, 1_999_999), (len(CONTENT) - 7, len(CONTENT) - 1)):
        part = reader.get(address, Range=f"bytes={start}-{last}")
        assert part.status_code == 206
        assert part.content == CONTENT[start : last + 1]
        assert part.headers["Content-Range"] == f"bytes {start}-{last}/{len(CONTENT)}"
    head = reader.send("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(CONTENT))
    assert reader.get(address, Range=f"bytes={len(CONTENT)}-").status_code == 416
    tag = whole.headers["ETag"]
    assert reader.send("GET", address, headers={"If-None-Match": tag}).status_code == 304
    assert reader.get("/student/courses").status_code == 200  # on the same connection, still


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # the database has no part in it
def test_slow_readers_of_a_file_take_neither_threads_nor_memory(
    portal: Portal, reader: Client, address: str
) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    request = (
        f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{portal.port}\r\nCookie: {cookies}\r\n\r\n"
    )
    before = _memory(portal)
    with ExitStack() as stack:
        for _ in range(SLOW):
            slow = stack.enter_context(
                closing(socket.create_connection(("127.0.0.1", portal.port)))
            )
            slow.sendall(request.encode())
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert reader.twin().get("/student/courses").status_code == 200
        grown = _memory(portal) - before
    assert grown < MB_OF_ALL / 10, f"{grown:.0f} MB"


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # the database has no part in it
def test_readers_of_a_silent_bucket_stop_no_file_of_the_server_and_one_more_is_told(
    server: Server, s3: str
) -> None:
    between, kept = buckets.Between(s3), buckets.new(s3)
    through = kept | {"AWS_ENDPOINT_URL_S3": between.endpoint, "WORKERS": "1"}
    with closing(between), flawless(server, **through) as portal, ExitStack() as stack:
        portal.app.config.update(kept)
        reader = _reader(portal)
        address = _address(portal, FEW)
        people = [_another_reader(portal, f"reader-{each}@example.org") for each in PEOPLE]
        readers = [
            stack.enter_context(closing(_asked(portal, each, address)))
            for each in people * streams.MOST_OF_ONE
        ]
        between.hold("GET")
        had = list(stack.enter_context(ThreadPoolExecutor(50)).map(_had, readers))
        began = time.monotonic()
        for _ in range(10):
            assert reader.get("/static/css/parts.css").status_code == 200
        assert time.monotonic() - began < 5
        one_more = reader.get(address)
        assert (one_more.status_code, one_more.headers["Retry-After"]) == (503, "5")
        assert max(had) < len(FEW)
        for each in readers[1:]:
            each.close()
        between.go_on.set()
        found = b"".join(iter(lambda: readers[0].recv(1 << 20), b""))
        assert had[0] + len(found) == len(FEW)
        assert FEW.endswith(found)
        assert comes(lambda: reader.get(address).status_code == 200)


def _asked(portal: Portal, reader: Client, address: str) -> socket.socket:
    cookies = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # so that little is on its way
    asking.connect(("127.0.0.1", portal.port))
    head = f"Host: 127.0.0.1:{portal.port}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
    asking.sendall(f"GET {address} HTTP/1.1\r\n{head}".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += asking.recv(1)
    assert answer.startswith(b"HTTP/1.1 200")
    return asking


def _had(reader: socket.socket) -> int:
    """Read all that comes without the bucket, and return how much that was."""
    had = 0
    reader.settimeout(0.2)
    with suppress(TimeoutError):
        while some := reader.recv(1 << 20):
            had += len(some)
    reader.settimeout(PATIENCE)
    return had


@pytest.mark.parametrize(
    ("server", "asked_for"),
    [("sqlite", "a file"), ("postgresql", "the headers of a file"), ("postgresql", "the logo")],
    indirect=["server"],
)
def test_a_bucket_that_says_nothing_stops_no_page(server: Server, s3: str, asked_for: str) -> None:
    between, kept = buckets.Between(s3), buckets.new(s3)
    through = kept | {"AWS_ENDPOINT_URL_S3": between.endpoint}
    with (
        closing(between),
        flawless(server, **through) as portal,
        ThreadPoolExecutor(SLOW) as threads,
    ):
        portal.app.config.update(kept)
        reader = _reader(portal)
        address, waiting = _address(portal), [reader.twin() for _ in range(SLOW)]
        if asked_for == "the logo":
            address = f"/logo/{portal.call(a_logo, by=portal.call(an_admin))}"
            rmtree(Path(portal.app.config["LMS_FILES"]) / copies.COPIES)  # as on other machines
        method = "HEAD" if "headers" in asked_for else "GET"
        between.hold(method)
        asked = [threads.submit(each.send, method, address) for each in waiting]
        assert between.has_held.wait(PATIENCE)
        began = time.monotonic()
        for _ in range(20):
            assert reader.get("/student/courses").status_code == 200
        assert time.monotonic() - began < 5
        assert not any(each.done() for each in asked)
        for each in asked:
            answer = each.result()
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        between.go_on.set()
        assert comes(lambda: reader.get(address).status_code == 200)


def test_a_large_file_of_an_admin_is_kept_in_constant_memory_and_served(
    portal: Portal, reader: Client
) -> None:
    admin = newcomer(portal, "ada@example.org", role="admin", name="Ada")
    course_id = portal.sql("SELECT id FROM courses")[0][0]
    page = f"/admin/courses/{course_id}/files"
    film = b"\0\0\0\x20ftypisom" + CONTENT
    first, kind = _form(admin, film[:20_000_000])  # loads what is loaded once, and sends in parts
    assert admin.send("POST", page, data=first, headers={"Content-Type": kind}).status_code == 303
    body, kind = _form(admin, film)
    sent = {"data": body, "headers": {"Content-Type": kind}}
    before = _memory(portal)
    assert admin.send("POST", page, **sent).status_code == 303
    grown = _memory(portal) - before
    assert grown < len(film) / 2_000_000, f"{grown:.0f} MB"
    [_, (file_id,)] = portal.sql("SELECT id FROM course_files ORDER BY id")
    assert reader.get(f"/courses/{course_id}/files/{file_id}/f.mp4").content == film
    # Of a student's only the beginning is read.
    assert reader.send("POST", page, **sent).status_code in {400, 403, 413}
    assert len(portal.sql("SELECT id FROM course_files")) == 2
    answer = admin.send("POST", page, data=body + bytes(60_000_000), headers=sent["headers"])
    assert (answer.status_code, "larger than 100 MB" in answer.text) == (413, True)


def _form(admin: Client, film: bytes) -> tuple[bytes, str]:
    return encode_multipart_formdata({"csrf_token": admin.token, "file": ("f.mp4", film)})


def _memory(portal: Portal) -> float:
    return sum(memory(pid) for pid in family(portal.pid))
