"""What answers before Flask, so that nobody who is slow holds the door.

A web worker has a few threads for Flask, and an event loop that does whatever needs no thread. In
the loop a request waits until its body is complete, a poll with nothing new is answered, and an
answer leaves however slowly it is read. A thread works for a request only while there is work.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from time import perf_counter
from wsgiref.types import WSGIEnvironment

from flask import Flask

from lms.metrics import observe
from lms.web import trace
from lms.web.below import prefix_of
from lms.web.front.bodies import Late, complete_body
from lms.web.front.bridge import Answer, ask, environ
from lms.web.front.polls import Polls
from lms.web.front.rsgi import HTTPProtocol, ProtocolClosed, Scope
from lms.web.front.uploads import Uploads
from lms.web.security import LATE

ALIVE = "/healthz"
HEALTH = "/api/sync/health"
_WATCHING = 4
"""Threads for whoever asks for the health: all others may be waiting for the database."""


class Front:
    """The portal as granian runs it: an RSGI application around Flask's WSGI one."""

    def __init__(self, app: Flask, *, threads: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="flask")
        self._polls = Polls(app)
        self._uploads = Uploads(app)
        self._watching = ThreadPoolExecutor(_WATCHING, thread_name_prefix="health")
        prefix = prefix_of(app.config["PUBLIC_URL"])
        self._alive_at = {ALIVE, f"{prefix}{ALIVE}"}
        self._health_at = {HEALTH, f"{prefix}{HEALTH}"}
        self._alive: Answer | None = None

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of the database and the threads; no request is under way any more."""
        self._polls.close()
        self._threads.shutdown(wait=False)
        self._watching.shutdown(wait=False)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        with suppress(ProtocolClosed):  # the client has gone
            if scope.method == "GET" and await self._answers_itself(scope, protocol):
                return
            try:
                asked = await self._asked(scope, protocol)
            except Late:
                asked = environ(scope, b"") | {LATE: True}
            await ask(self._app, asked, protocol, self._threads)
            asked["wsgi.input"].close()  # gives back the room of an upload

    async def _asked(self, scope: Scope, protocol: HTTPProtocol) -> WSGIEnvironment:
        if self._uploads.is_one(scope) and await self._polls.is_admin(scope):
            return await self._uploads.environ(scope, protocol)
        return environ(scope, await complete_body(scope, protocol))

    async def _answers_itself(self, scope: Scope, protocol: HTTPProtocol) -> bool:
        began = perf_counter()
        if scope.path in self._health_at:
            await ask(self._app, environ(scope, b""), protocol, self._watching)
            return True
        if headers := await self._polls.unchanged(scope):
            protocol.response_empty(304, [*headers, _request_id(scope)])
            observe("GET", "unchanged poll", 304, perf_counter() - began)
            return True
        if scope.path not in self._alive_at:
            return False
        # That the process is alive must be heard while all threads are busy: Flask says it once.
        if self._alive is None:
            answer = await ask(self._app, environ(scope, b""), protocol, self._watching)
            self._alive = answer if answer.status == HTTPStatus.OK else None
            return True
        without = [header for header in self._alive.headers if header[0] != trace.HEADER]
        replace(self._alive, headers=[*without, _request_id(scope)]).send(protocol)
        observe("GET", ALIVE, self._alive.status, perf_counter() - began)
        return True


def _request_id(scope: Scope) -> tuple[str, str]:
    return trace.HEADER, trace.identify(scope.headers.get(trace.HEADER.lower()))
