"""What comes from elsewhere while it is sent: at the reader's pace, in constant memory.

granian 2.8 takes a stream whole into the memory, and only what it reads as a file at the pace of
the reader. So it reads a pipe as a file. While the pipe is full no thread waits, but the loop, and
nothing is open elsewhere: what a reader has room for is asked for by itself.
"""

import asyncio
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from lms import logs
from lms.files import s3
from lms.files.bucket import Content
from lms.refusals import StorageAway
from lms.web.sent_contents import FIRST, BucketBody

if TYPE_CHECKING:
    from obstore import Bytes

_MOST = 1 << 21
"""How much is asked for at once: more, the faster it is read, from FIRST to this."""
_QUICK_SECONDS = 0.5
_PIPE = 1 << 18
_OPENED_SECONDS = 10.0
"""How long the server has to open the pipe, which it does at once."""
_IDLE_SECONDS = 300.0
"""How long a reader may take nothing: a player asks anew for what it wants then."""
_AWAY_SECONDS = 60.0
"""How long its source may be away before an answer that has begun ends early."""
_AGAIN_SECONDS = s3.SHUT_SECONDS + 1.0


class Pipe:
    """A pipe that the server opens by `path` and reads as a file."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        with suppress(OSError):  # the user has as many as the system allows
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _PIPE)
        self._sent, self._room = 0, fcntl.fcntl(self._in, fcntl.F_GETPIPE_SZ)
        # Then the server is the only one who reads, and this hears when it no longer does.
        self._leaving = asyncio.get_running_loop().call_later(_OPENED_SECONDS, self._leave)

    @property
    def path(self) -> str:
        """Where the server opens it."""
        return f"/dev/fd/{self._out}"

    async def fill(self, body: BucketBody) -> None:
        """Send a body through, and end the answer early where its source or its reader has."""
        loop, source, most = asyncio.get_running_loop(), body.source, FIRST
        try:
            first, body.first = body.first, b""
            await self._write(memoryview(first))
            del first  # a slow reader keeps nothing in the memory
            while source.left:
                waited = await self._room_came()
                block = await _read(source, most)
                began = loop.time()
                await self._write(memoryview(block))
                del block
                is_quick = waited + loop.time() - began < _QUICK_SECONDS
                most = min(2 * most, _MOST) if is_quick else FIRST
        except (BrokenPipeError, TimeoutError):
            pass  # the reader has gone
        except (StorageAway, FileNotFoundError):  # the status has been sent
            logs.warn("a file's content ended early", left=source.left)
        finally:
            os.close(self._in)

    async def _write(self, block: memoryview) -> None:
        while block:
            try:
                written = os.write(self._in, block)
            except BlockingIOError:
                await self._room_came()
                continue
            block = block[written:]
            self._sent += written
            if self._sent > self._room:
                self._leave()  # somebody has read

    async def _room_came(self) -> float:
        """Wait until there is room, or no reader; return for how many seconds."""
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(self._writable(), _IDLE_SECONDS)
        return asyncio.get_running_loop().time() - began

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        free = asyncio.Event()
        loop.add_writer(self._in, free.set)
        try:
            await free.wait()
        finally:
            loop.remove_writer(self._in)

    def _leave(self) -> None:
        if self._leaving.cancelled():
            return
        self._leaving.cancel()
        os.close(self._out)


async def _read(source: Content, most: int) -> "Bytes":
    """Return the next bytes, for which a source that is away for a moment is asked again."""
    until = asyncio.get_running_loop().time() + _AWAY_SECONDS
    while True:
        try:
            return await source.read_in_loop(most)
        except StorageAway:
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)
        most = FIRST  # which a slow way may bring in time
