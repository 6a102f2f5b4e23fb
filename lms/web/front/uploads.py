"""Uploads of admins: larger bodies than others', written to the disk while they come in.

Only for whoever is an admin before the first byte is read: nobody else fills the disk.
"""

import asyncio
import re
from tempfile import TemporaryFile
from typing import IO, Any
from wsgiref.types import WSGIEnvironment

from flask import Flask

from lms.importing import runs
from lms.web.below import prefix_of
from lms.web.front.bodies import Late
from lms.web.front.bridge import environ
from lms.web.front.rsgi import HTTPProtocol, Scope
from lms.web.security import MAX_BODY
from lms.web.uploads import UNKEPT, UPLOADS

IDLE_SECONDS = 30
"""How long the next piece may take."""
UPLOAD_SECONDS = 3_600
_PIECE = 1 << 20


class Uploads:
    """Knows which bodies are uploads, and takes them in."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        prefix = prefix_of(app.config["PUBLIC_URL"])
        before = f"({re.escape(prefix)})?"
        self._most = {
            (upload.method, re.compile(before + upload.pattern)): upload.most_bytes(app.config)
            for upload in UPLOADS.values()
        }
        """How large a body may be, by its method and what its path looks like."""

    def is_one(self, scope: Scope) -> bool:
        """Return whether a request sends more than any other form does, to where files go.

        A piece of an upload does, however small the last one is: its sender may be slow.
        """
        announced = scope.headers.get("content-length", "")
        return (
            announced.isdecimal()
            and int(announced) > (0 if scope.method == "PATCH" else MAX_BODY)
            and self._most_of(scope) is not None
        )

    async def environ(self, scope: Scope, protocol: HTTPProtocol) -> WSGIEnvironment:
        """Return the request, with its body on the disk; raises Late.

        What is too large, or finds no room, is read to its end nevertheless: else the browser
        would not hear why.
        """
        announced = int(scope.headers.get("content-length"))
        fits = announced <= (self._most_of(scope) or 0)
        kept = await self._taken(protocol, fits=fits)
        given: dict[str, Any] = {"CONTENT_LENGTH": str(announced)}
        if kept is None:
            return environ(scope, b"") | given | ({UNKEPT: True} if fits else {})
        size = kept.tell()
        kept.seek(0)
        return environ(scope, b"") | {"wsgi.input": kept, "CONTENT_LENGTH": str(size)}

    def _most_of(self, scope: Scope) -> int | None:
        for (method, path), most in self._most.items():
            if scope.method == method and path.fullmatch(scope.path):
                return most
        return None

    async def _taken(self, protocol: HTTPProtocol, *, fits: bool) -> IO[bytes] | None:
        loop = asyncio.get_running_loop()
        kept = self._new() if fits else None
        waiting = bytearray()
        ends = loop.time() + UPLOAD_SECONDS
        try:
            async with asyncio.timeout(IDLE_SECONDS) as idle:
                async for piece in protocol:
                    idle.reschedule(min(loop.time() + IDLE_SECONDS, ends))
                    if kept is None:
                        continue
                    waiting += piece
                    if len(waiting) >= _PIECE:
                        kept = await loop.run_in_executor(None, _write, kept, bytes(waiting))
                        waiting.clear()
        except TimeoutError:
            raise Late from None
        return kept and _write(kept, bytes(waiting))

    def _new(self) -> IO[bytes]:
        """Return a file without a name, which nobody can find and which ends with its process."""
        with self._app.app_context():
            return TemporaryFile(dir=runs.folder())


def _write(kept: IO[bytes], piece: bytes) -> IO[bytes] | None:
    """Write on; None if there is no room."""
    try:
        kept.write(piece)
        kept.flush()
    except OSError:
        kept.close()
        return None
    return kept
