"""Bodies and answers over real connections: slow, long, in chunks."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPResponse
from typing import Any

import pytest

from lms.web.front.bodies import BODY_SECONDS, MOST_DISCARDED
from lms.web.security import MAX_BODY
from tests.builders import a_course, a_public_course
from tests.outside.client import Client
from tests.outside.test_front import OpenPage, on_sqlite
from tests.patience import PATIENCE
from tests.server import Portal

SLOW = 200


@on_sqlite
def test_slow_senders_hold_no_door_and_are_told_why(portal: Portal, student: Client) -> None:
    page = OpenPage(student)
    head = b"POST /api/student/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx"
    with _many(portal, head) as slow:
        assert student.get("/healthz").status_code == 200
        assert student.get("/profile").status_code == 200
        assert page.polls() == {304}
        assert student.call("POST", "/api/student/enroll", {"courseId": 0}).status_code == 422
        slow[0].settimeout(BODY_SECONDS + PATIENCE)
        answer = _answer(slow[0])
        assert (answer.status, _code(answer)) == (408, "too_slow")


@on_sqlite
def test_slow_readers_hold_no_door(portal: Portal, student: Client) -> None:
    style = re.search(r'href="(/static/[^"]+bootstrap[^"]+css[^"]*)"', student.get("/profile").text)
    assert style is not None
    page = OpenPage(student)
    with _many(portal, f"GET {style[1]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()):
        assert student.get("/healthz").status_code == 200
        assert student.get("/profile").status_code == 200
        assert page.polls() == {304}


@contextmanager
def _many(portal: Portal, sent: bytes) -> Iterator[list[socket.socket]]:
    """Open very many connections, each of which sends this and then neither sends nor reads."""
    with ExitStack() as stack:
        slow = []
        for _ in range(SLOW):
            one = stack.enter_context(closing(socket.socket()))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.settimeout(PATIENCE)
            one.connect(("127.0.0.1", portal.port))
            one.sendall(sent)
            slow.append(one)
        yield slow


@on_sqlite
@pytest.mark.parametrize("length", [MAX_BODY + 1, 100 * MOST_DISCARDED])
def test_what_is_too_long_is_refused_even_unsent(portal: Portal, length: int) -> None:
    head = f"POST /api/payments/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", portal.port), PATIENCE)) as connection:
        connection.sendall(head.encode())
        if length <= MOST_DISCARDED:
            connection.sendall(b"x" * length)
        assert _answer(connection).status in {413, 503}


@on_sqlite
def test_a_body_in_chunks_is_taken(portal: Portal, student: Client) -> None:
    course = portal.call(a_public_course)
    pieces = iter([b'{"course', b'Id": %d}' % course])
    headers = {"X-CSRFToken": student.token, "Content-Type": "application/json"}
    answer = student.send("POST", "/api/student/enroll", data=pieces, headers=headers)
    assert answer.status_code == 201, answer.text


@on_sqlite
def test_a_long_answer_arrives_whole_and_one_without_a_body_too(
    portal: Portal, admin: Client
) -> None:
    portal.call(a_course, "A course that is sold", price_cents=100, currency="eur")
    portal.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO payments (user_id, user_email, course_id, course_title, amount_cents,"
        " currency, status, reference, created_at) SELECT NULL, 'x@example.org', NULL,"
        " 'A course that is sold', 100, 'eur', 'expired', 'many-' || i,"
        " '2026-01-01 00:00:00.000000' FROM n"
    )
    answer = admin.get("/admin/payments.csv")
    assert len(answer.text.splitlines()) == 3001
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert admin.send("HEAD", "/admin/payments.csv").headers["Content-Length"] == str(
        len(answer.content)
    )
    assert admin.send("HEAD", "/admin/payments").content == b""
    assert admin.send("HEAD", "/healthz").status_code == 200


def _answer(connection: socket.socket) -> Any:
    answer = HTTPResponse(connection, method="POST")
    answer.begin()
    return answer


def _code(answer: HTTPResponse) -> str:
    return str(json.loads(answer.read())["code"])
