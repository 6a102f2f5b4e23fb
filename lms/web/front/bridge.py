"""From RSGI to WSGI: one request is asked of Flask in a thread, and answered from the event loop.

a2wsgi does so between ASGI and WSGI, at two and a half times the cost of this: every chunk crosses
between loop and thread by itself, while almost all of ours are bodies and answers in one piece.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from concurrent.futures import Executor
from contextlib import closing
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

from lms.web.front.rsgi import HTTPProtocol, ProtocolClosed, Scope

T = TypeVar("T")

PIECE = 65_536
READER_SECONDS = 60
"""How long a thread that sends a long answer waits for a reader to take the next piece."""
_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


@dataclass(frozen=True)
class Answer:
    """What Flask answers: the first piece of the body, and the others, if it comes in several."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    others: Generator[bytes] | None

    def send(self, protocol: HTTPProtocol) -> None:
        """Send an answer in one piece, which no reader can hold up."""
        if self.body:
            protocol.response_bytes(self.status, self.headers, self.body)
        else:
            protocol.response_empty(self.status, self.headers)


def environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """Return a request as WSGI has it (PEP 3333)."""
    server = urlsplit(f"//{scope.server}")
    asked: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server.hostname or "",
        "SERVER_PORT": str(server.port or ""),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": urlsplit(f"//{scope.client}").hostname or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:
        asked["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        # 'X_Forwarded_For' would become the same name as 'X-Forwarded-For', which proxies set.
        if "_" in name or name == "transfer-encoding":
            continue
        key = _WITHOUT_PREFIX.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        if key in asked and key != "HTTP_HOST":
            asked[key] += f"{'; ' if name == 'cookie' else ','}{value}"
        else:
            asked[key] = value
    if body or "CONTENT_LENGTH" in asked:
        asked["CONTENT_LENGTH"] = str(len(body))
    return asked


async def ask(
    app: WSGIApplication, asked: WSGIEnvironment, protocol: HTTPProtocol, threads: Executor
) -> Answer:
    """Have a thread answer a request, and send what it answers."""
    # An empty context of its own: in a copy of the loop's, which began in a command of Flask's,
    # all requests would share that command's `g`, and with it the person who is signed in.
    in_thread = partial(_in_thread, Context(), threads)
    answer = await in_thread(_answer, app, asked)
    if answer.others is None:
        answer.send(protocol)
        return answer
    try:
        transport = protocol.response_stream(answer.status, answer.headers)
        piece: bytes | None = answer.body
        while piece is not None:
            await _taken(transport.send_bytes(piece))
            piece = await in_thread(next, answer.others, None)
    finally:
        await in_thread(answer.others.close)
    return answer


def _in_thread(
    context: Context, threads: Executor, what: Callable[..., T], *args: Any
) -> Awaitable[T]:
    """Call something in any thread, always in the context of the same request."""
    return asyncio.get_running_loop().run_in_executor(threads, context.run, what, *args)


def _answer(app: WSGIApplication, asked: WSGIEnvironment) -> Answer:
    status, headers = 500, []

    def start_response(line: str, given: list[tuple[str, str]], _error: object = None) -> Any:
        nonlocal status, headers
        status, headers = int(line.partition(" ")[0]), given

    pieces = _pieces(app(asked, start_response))
    first, second = next(pieces, b""), next(pieces, None)
    others = None if second is None else _joined(second, pieces)
    return Answer(status, headers, first, others)


def _pieces(body: Iterable[bytes]) -> Generator[bytes]:
    """Return a body in pieces that are worth the way from the thread to the loop."""
    piece = bytearray()
    try:
        for part in body:
            piece += part
            if len(piece) >= PIECE:
                yield bytes(piece)
                piece.clear()
        if piece:
            yield bytes(piece)
    finally:
        if close := getattr(body, "close", None):
            close()


def _joined(second: bytes, rest: Generator[bytes]) -> Generator[bytes]:
    with closing(rest):
        yield second
        yield from rest


async def _taken(sending: Coroutine[Any, Any, None]) -> None:
    """Wait until a piece is on its way; raises ProtocolClosed if the reader is too slow."""
    task = asyncio.ensure_future(sending)
    await asyncio.wait({task}, timeout=READER_SECONDS)
    if not task.done():
        task.cancel()
        raise ProtocolClosed
    task.result()
