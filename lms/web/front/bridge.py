"""From RSGI to WSGI: one request is asked of Flask in a thread, and answered from the event loop.

a2wsgi does so between ASGI and WSGI, at two and a half times the cost of this: every chunk crosses
between loop and thread by itself, while ours are bodies and answers in one piece.
"""

import asyncio
import sys
from concurrent.futures import Executor
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

from lms.refusals import StorageAway
from lms.web.front.rsgi import HTTPProtocol, Scope
from lms.web.front.streams import begin
from lms.web.pauses import PAUSE
from lms.web.sent_contents import AWAY, BEGINS, BucketBody
from lms.web.sent_files import FileBody

OPENED_SECONDS = 60.0
"""How long a file stays for the server to open it, which it does at once."""
_WITHOUT_PREFIX = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


@dataclass(frozen=True)
class Answer:
    """What Flask answers, whole: the server has no way to say how fast it is read."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | FileBody | BucketBody

    def send(self, protocol: HTTPProtocol) -> None:
        """Hand it to the server, which keeps it for a slow reader."""
        if isinstance(self.body, FileBody):
            # In pieces and by the server's own threads, at the pace of the reader: of ours it takes
            # none, and at most one file is open for each of the connections that the server takes.
            path, start = str(self.body.path), self.body.start
            if self.body.stop is None:
                protocol.response_file(self.status, self.headers, path)
            else:
                protocol.response_file_range(self.status, self.headers, path, start, self.body.stop)
            # Opened once this returns; what is open can be read although it is deleted.
            asyncio.get_running_loop().call_later(OPENED_SECONDS, self.body.close)
        elif isinstance(self.body, BucketBody) and self.body.is_short:
            protocol.response_bytes(self.status, self.headers, self.body.first)
        elif isinstance(self.body, BucketBody):
            protocol.response_file(self.status, self.headers, str(self.body.path))
        elif self.body:
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
        BEGINS: [],
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
    # The thread's own context, not a copy of the loop's, as asyncio.to_thread() gives: that began
    # in a command of Flask's, and all requests would share its `g`, and with it who is signed in.
    loop = asyncio.get_running_loop()
    answer = await loop.run_in_executor(threads, _answer, app, asked)
    try:
        for body in asked[BEGINS]:
            await begin(body)
    except (StorageAway, FileNotFoundError) as refusal:  # the portal itself finds the words for it
        if isinstance(refusal, StorageAway):
            asked[AWAY] = True  # so that no thread waits for it as well
        del asked[BEGINS]
        answer = await loop.run_in_executor(threads, _answer, app, asked)
    if pause := asked.get(PAUSE):
        await asyncio.sleep(pause)
    answer.send(protocol)
    return answer


def _answer(app: WSGIApplication, asked: WSGIEnvironment) -> Answer:
    status, headers = 500, []

    def start_response(line: str, given: list[tuple[str, str]], _error: object = None) -> Any:
        nonlocal status, headers
        status, headers = int(line.partition(" ")[0]), given

    body = app(asked, start_response)
    if isinstance(body, FileBody | BucketBody):
        return Answer(status, headers, body)
    try:
        return Answer(body=b"".join(body), status=status, headers=headers)
    finally:
        if close := getattr(body, "close", None):
            close()
