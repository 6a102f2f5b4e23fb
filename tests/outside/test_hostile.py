"""Whatever is sent to whichever address, the answer is never a server error.

By night every address is sent everything. By day each gets a third, dealt in turn, so that
neighbors get the rest: whole groups of addresses read what is sent by the same code.
"""

import re
import socket
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPResponse
from typing import TypeVar
from urllib.parse import quote

import pytest
from requests import Response

from tests.builders import a_chapter, a_course, a_request, a_student, an_admin
from tests.faults.profile import NIGHTLY
from tests.outside.client import Client
from tests.outside.conftest import Add
from tests.patience import PATIENCE
from tests.server import Portal

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ADMINS = re.compile("/admin/|/api/(admin|enrollment|requests|students)|/metrics")
BIG = b"x" * 2_000_000
PARTS = 1 if NIGHTLY else 3
"""Of so many parts of what there is to send, each address is sent one."""

T = TypeVar("T")

ODD_METHODS = ("HEAD", "OPTIONS", "PUT", "TRACE", "BREW")
NAMES = tuple(
    re.findall(
        r"\w+",
        """courseId chapterId studentId ids id action reason message completed email password name
    title description body status price currency capacity next back q page from to course before
    approve reject current_password position seats actor student until since csrf_token""",
    )
)
VALUES = ("%00", "%ff%fe", "%ED%A0%80", "9" * 400, "-1", "1e400", "%D9%A3", "x" * 300, "", "[]")

BODIES = (
    (JSON, b"[" * 100_000),
    (JSON, b'{"courseId":' * 30_000),
    (JSON, b"NaN"),
    (JSON, b'{"courseId": NaN, "chapterId": Infinity, "studentId": 1e999, "ids": [NaN]}'),
    (JSON, b'{"courseId": ' + b"9" * 5000 + b"}"),
    (JSON, b'{"ids": [' + b"9" * 400 + b", -1, 0], " + b'"action": "approve"}'),
    (JSON, b'{"courseId": 1, "message": "\\ud800", "reason": "\\u0000"}'),
    (JSON, b'{"courseId": 1, "courseId": "2", "ids": [1], "ids": {}}'),
    (JSON, b'{"courseId": true, "chapterId": 1.0, "studentId": "1", "completed": "yes"}'),
    (JSON, '{"courseId": 1}'.encode("utf-16")),
    (JSON, b"\xef\xbb\xbf{}"),
    (JSON, b'{"message": "\xff\xfe"}'),
    (JSON, b""),
    (JSON, b"null"),
    (JSON, BIG),
    ("application/xml", b"<courseId>1</courseId>"),
    ("", b'{"courseId": 1}'),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\xff"),
    ("multipart/form-data; boundary=" + "x" * 300, b"--x--"),
    (FORM, BIG),
    (FORM + "; charset=utf-7", b"email=%ff%00&name=+AGE-"),
    (FORM + "; charset=nonsense", b"email=%ff"),
    (FORM, b"&".join(b"ids=%d" % number for number in range(3000))),
    (FORM, b"&".join(f"{name}=%00%ff%ED%A0%80&{name}=2".encode() for name in NAMES)),
    (FORM, b"&".join(f"{name}={'9' * 400}".encode() for name in NAMES)),
    (FORM, b"\xff\xfe=\xff&" + b"\x00" * 50),
)


class Victims:
    """People and courses of which a hostile change may take whichever it likes."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.rules = [
            rule for rule in portal.app.url_map.iter_rules() if "/static/" not in rule.rule
        ]

    def addresses(self) -> Iterator[tuple[set[str], str]]:
        """Return every address of the portal, filled with what exists, and its methods."""
        ids = self._ids()
        for rule in self.rules:
            yield (
                set(rule.methods or ()),
                re.sub(r"<[^>]*?(\w+)>", lambda found: str(ids.get(found[1], 1)), rule.rule),
            )

    def _ids(self) -> dict[str, object]:
        call = self.portal.call
        student, course = call(a_student), call(a_course)
        return {
            "student_id": student,
            "course_id": course,
            "chapter_id": call(a_chapter, course),
            "request_id": call(a_request, student, course),
            "user_id": call(an_admin),
            "token": "made-up",
            "table": "days",
            "name": "accessibility",
            "sheet": "courses",
            "direction": "up",
            "change": "deactivate",
            "page": "audit",
        }


@pytest.fixture
def victims(portal: Portal) -> Victims:
    return Victims(portal)


@pytest.fixture
def callers(portal: Portal, add: Add) -> list[Client]:
    """Nobody, a student and an admin."""
    return [Client(portal), add(), add("admin")]


def check(answer: Response, about: object) -> None:
    """No server error; an error of the JSON interface has the form of one.

    503 is an answer: payments are not configured here.
    """
    is_answer = answer.status_code < 500 or answer.status_code == 503
    assert is_answer, (about, answer.status_code, answer.text[:300])
    is_error = answer.status_code >= 400
    if is_error and "/api/" in answer.url and answer.request.method != "HEAD":
        assert answer.headers["Content-Type"] == "application/problem+json", about


@pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
def test_every_address_answers_every_method(victims: Victims, callers: list[Client]) -> None:
    for number, (methods, address) in enumerate(victims.addresses()):
        for turn, method in enumerate(ODD_METHODS, number):
            for caller in _dealt(callers, turn):
                answer = caller.send(method, address)
                check(answer, (method, address))
                if method not in methods | {"HEAD", "OPTIONS"}:
                    assert answer.status_code in {401, 403, 405, 303}, (method, address)


@pytest.mark.parametrize("portal", ["postgresql"], indirect=True)  # it stores less than SQLite
def test_odd_queries_are_answered_everywhere(victims: Victims, callers: list[Client]) -> None:
    _, student, admin = callers
    read = [address for methods, address in victims.addresses() if "GET" in methods]
    for turn, address in enumerate(read):
        caller = admin if ADMINS.match(address) else student
        for value in _dealt(VALUES, turn):
            query = "&".join(f"{name}={value}" for name in NAMES)
            check(caller.get(f"{address}?{query}&q={value}&q=2"), (address, value))


@pytest.mark.parametrize("portal", ["postgresql"], indirect=True)  # it stores less than SQLite
def test_odd_bodies_are_answered_everywhere(portal: Portal, victims: Victims, add: Add) -> None:
    for turn, (methods, address) in enumerate(victims.addresses()):
        method = next(iter(methods & {"POST", "PATCH", "DELETE"}), "")
        if not method:
            continue
        caller = add("admin" if ADMINS.match(address) else "student")
        for kind, body in _dealt([*_bodies_for(address)], turn):
            # Whoever refuses a long body without reading it ends the connection.
            headers = {"X-CSRFToken": caller.token, "Content-Type": kind, "Connection": "close"}
            answer = caller.send(method, address, data=body, headers=headers)
            check(answer, (address, kind, body[:60]))
            if body is BIG:
                assert answer.status_code >= 300, address


def test_odd_paths_cookies_and_headers_are_answered(portal: Portal, student: Client) -> None:
    for path in (
        "/%00",
        "/%ff",
        "/student/courses/%ED%A0%80",
        "/api/%ff",
        "/static/%00",
        "/a" * 4000,
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/app.py",
        "//",
        "/reset/%ff",
    ):
        assert _status(portal, f"GET {path} HTTP/1.1") < 500, path
    for header in (
        b"Cookie: portal=\xff\xfe\x80",
        b"Cookie: portal=" + b"x" * 7000,
        b"Cookie: portal=a; portal=b; =; ;;",
        b'Cookie: session="\\377\\000"',
        b'If-None-Match: \xff\xff, W/"',
        b"If-None-Match: " + b'"x",' * 1500,
        b"Authorization: bearer \xff",
        b"Authorization: Basic !!!!",
        b"Accept-Encoding: \xff;q=nan, gzip;q=x",
        b"X-CSRFToken: \xff\xfe",
        b"Referer: http://[::1",
        b"Content-Length: 0",
        b"Range: bytes=-999999999999999999999",
        b"If-Modified-Since: \xff nonsense",
        b"Accept: */*;q=9e999",
    ):
        for path in (
            "/login",
            "/student/courses",
            "/api/session",
            "/static/css/portal.css",
            "/metrics",
        ):
            assert _status(portal, f"GET {path} HTTP/1.1", header) < 500, (path, header[:40])
        assert _status(portal, "POST /login HTTP/1.1", header) < 500, header[:40]
    for host in ("", "evil.example", "[::1", "a b", "\x7f", "x" * 3000):
        assert _status(portal, "GET /login HTTP/1.1", host=host) < 500, host


@pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("lengths", "statuses"),
    [
        ("Content-Length: 43\r\nTransfer-Encoding: chunked", [404]),
        ("Transfer-Encoding: chunked\r\nContent-Length: 43", [404]),
        ("Content-Length: 5\r\nContent-Length: 43", [400]),
        ("Transfer-Encoding: xchunked", [400]),
        ("Transfer-Encoding: chunked, identity", [400]),
    ],
)
def test_where_a_request_ends_is_never_in_doubt(
    portal: Portal, lengths: str, statuses: list[int]
) -> None:
    """Else a proxy could take for a body what the server takes for the next one's request.

    Chunks win over a length, and end the connection.
    """
    following = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", portal.port), timeout=PATIENCE) as connection:
        head = f"POST /nowhere HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n"
        connection.sendall((head + following).encode())
        connection.shutdown(socket.SHUT_WR)
        answers = connection.makefile("rb").read()
    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", answers)] == statuses


@pytest.mark.parametrize("portal", ["sqlite"], indirect=True)
def test_a_refused_body_does_not_cost_the_connection(portal: Portal) -> None:
    head = "POST /api/{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", portal.port), timeout=PATIENCE) as connection:
        for path, length, status in (
            ("nothing", 9, 404),
            ("session", 9, 405),
            ("student/requests", 9, 401),
            ("payments/webhook", 2_000_000, 503),
            ("nothing", 9, 404),
        ):
            connection.sendall(head.format(path, length).encode())
            time.sleep(0.1)  # the refusal is known before the body has come
            connection.sendall(b"x" * length)
            answer = HTTPResponse(connection, method="POST")
            answer.begin()
            answer.read()
            assert answer.status == status, path


def test_names_with_odd_characters_are_shown_as_they_are(
    portal: Portal, student: Client, admin: Client
) -> None:
    odd = "<script>alert(1)</script> \"' & é \\ {{7*7}} %s"
    message = f"\u202e{odd}"  # a title can't have this
    course = portal.call(a_course, odd)
    answer = student.call("POST", "/api/student/requests", {"courseId": course, "message": message})
    assert answer.json()["request"]["message"] == message
    for who, address in (
        (student, "/student/courses"),
        (student, "/student/requests"),
        (student, f"/student/courses/{course}"),
        (admin, "/admin/requests"),
        (admin, "/admin/audit"),
        (admin, f"/admin/students/{student.user_id}"),
        (admin, f"/admin/courses/{course}"),
    ):
        page = who.get(address)
        assert page.status_code == 200, address
        assert "<script>alert(1)" not in page.text, address
    found = admin.get(f"/api/requests?q={quote(odd[:20])}").json()
    assert [each["courseTitle"] for each in found["requests"]] == [odd]


def _dealt(all_of_them: Sequence[T], turn: int) -> Sequence[T]:
    """Return the part whose turn it is."""
    return all_of_them[turn % PARTS :: PARTS]


def _bodies_for(address: str) -> Iterator[tuple[str, bytes]]:
    """Leave out forms for the JSON interface, and all but a few JSON bodies for pages."""
    takes_json = address.startswith("/api/") or address == "/login"
    for kind, body in BODIES:
        if (
            body is BIG
            or (kind == JSON and takes_json)
            or (kind != JSON and "/api/" not in address)
        ):
            yield kind, body


def _status(portal: Portal, line: str, header: bytes = b"", *, host: str = "localhost") -> int:
    """Send bytes that no client library would, and return the status; 400 if it hangs up."""
    lines = [line.encode(), b"Host: " + host.encode(), b"Connection: close", header]
    with socket.create_connection(("127.0.0.1", portal.port), timeout=PATIENCE) as connection:
        connection.sendall(b"\r\n".join(filter(None, lines)) + b"\r\n\r\n")
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1]) if answer else 400
