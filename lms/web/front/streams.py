"""What comes from elsewhere while it is sent: at the reader's pace, in constant memory.

granian 2.8 takes a stream whole into the memory, and only what it reads as a file at the pace of
the reader. So it reads a pipe as a file. While the pipe is full no thread waits, but the loop, and
nothing is open elsewhere: what a reader has room for is asked for by itself. While it is empty, one
of the server's own threads waits: so there are at most so many.

The pipe has a name that no other will ever have: a server that opens it late finds nothing.
"""

import asyncio
import fcntl
import os
import select
import sys
import termios
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lms import logs
from lms.files import s3
from lms.files.bucket import Content
from lms.refusals import StorageAway
from lms.web.sent_contents import FIRST, BucketBody

if TYPE_CHECKING:
    from obstore import Bytes

MOST = 200
"""How many one process sends at once. Each holds one of the server's threads while its pipe is
empty, which `serve` has many more of, and up to four open files of the 1,024 that are usual."""
MOST_OF_ONE = 50
"""How many of them to one person, who may keep them for as long as they like."""
_PLACE_SECONDS = 5.0
"""How long a reader waits for a place: most are sent sooner than that."""
_MOST = 1 << 21
"""How much is asked for at once: more, the faster it is read, from FIRST to this."""
_QUICK_SECONDS = 0.5
_ROOM_SECONDS = 1.0
"""How long what has been read waits in the memory for room: then it is read anew, once there is."""
_PIPE = 1 << 18
_OPENED_SECONDS = 5.0
"""How long the server has to open the pipe, which it does at once."""
_LATE_SECONDS = 1.0
"""How long opening takes at most: once it has begun, both ends have to stay until it is done."""
_IDLE_SECONDS = 300.0
"""How long a reader may take nothing: a player asks anew for what it wants then."""
_AWAY_SECONDS = 60.0
"""How long its source may be away before an answer that has begun ends early."""
_AGAIN_SECONDS = s3.SHUT_SECONDS + 1.0
_FULL = "as many files are being sent by this process, or to this person, as may be"
_sent: dict[BucketBody, asyncio.Task[None] | None] = {}
"""What is begun and being sent."""


async def begin(body: BucketBody) -> None:
    """Begin a body, and send into its pipe what doesn't come at once.

    Raises StorageAway, asking for nothing where as many are sent as may be for long, and
    FileNotFoundError where it isn't whole.
    """
    if body.is_short:
        await body.begin_in_loop()
        return
    await _place(body)
    _sent[body] = None
    with ExitStack() as failed:
        failed.callback(_sent.pop, body)
        await body.begin_in_loop()
        pipe = _piped(body)
        failed.pop_all()
    _sent[body] = filling = asyncio.get_running_loop().create_task(pipe.fill(body))
    filling.add_done_callback(lambda _: _sent.pop(body))


async def _place(body: BucketBody) -> None:
    """Wait until there is a place for it; raises StorageAway."""
    until = asyncio.get_running_loop().time() + _PLACE_SECONDS
    while len(_sent) >= MOST or _sent_to(body.reader) >= MOST_OF_ONE:
        if asyncio.get_running_loop().time() > until:
            raise s3.away_for_many(_FULL)
        await asyncio.sleep(_PLACE_SECONDS / 50)


def _sent_to(reader: int | None) -> int:
    return sum(body.reader == reader for body in _sent)


def _piped(body: BucketBody) -> "Pipe":
    try:
        return Pipe(body.path)
    except OSError as error:
        raise s3.away(f"pipe: {error.strerror}") from None


class Pipe:
    """A pipe that the server opens by its name and reads as a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        os.mkfifo(path, 0o600)
        with ExitStack() as failed:
            failed.callback(path.unlink)
            # Either waits for the other: so this end comes first, and none has to.
            self._out = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            failed.callback(os.close, self._out)
            self._in = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            failed.pop_all()
        with suppress(OSError):  # the user has as many as the system allows
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _PIPE)
        self._sent, self._room = 0, fcntl.fcntl(self._in, fcntl.F_GETPIPE_SZ)
        self._is_left = False
        loop = asyncio.get_running_loop()
        self._leaving = loop.call_later(_OPENED_SECONDS, self._give_up)

    async def fill(self, body: BucketBody) -> None:
        """Send a body through, and end the answer early where its source or its reader has."""
        loop, source, most = asyncio.get_running_loop(), body.source, FIRST
        try:
            first, body.first = body.first, b""
            source.back(await self._write(memoryview(first)))
            del first  # a slow reader keeps nothing in the memory
            while source.left:
                waited = await self._room_came()
                block = await self._read(source, most)
                began = loop.time()
                left = await self._write(memoryview(block))
                del block
                source.back(left)
                if left:  # else one who reads bit by bit has each asked for a hundred times
                    await self._is_half_read()
                is_quick = waited + loop.time() - began < _QUICK_SECONDS
                most = min(2 * most, _MOST) if is_quick else FIRST
        except (BrokenPipeError, TimeoutError):
            pass  # the reader has gone
        except (StorageAway, FileNotFoundError):  # the status has been sent
            logs.warn("a file's content ended early", left=source.left)
        finally:
            if not self._is_left:  # the server may just be about to open it
                self._path.unlink(missing_ok=True)
                await asyncio.sleep(_LATE_SECONDS)
                self._leave()
            os.close(self._in)

    async def _read(self, source: Content, most: int) -> "Bytes":
        """Return the next bytes, for which a source that is away for a moment is asked again."""
        until = asyncio.get_running_loop().time() + _AWAY_SECONDS
        while True:
            try:
                return await source.read_in_loop(most)
            except StorageAway:
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)
            self._check_reader()
            most = FIRST  # which a slow way may bring in time

    async def _is_half_read(self) -> None:
        """Wait until there is much room; raise TimeoutError once nothing has been read for long."""
        loop = asyncio.get_running_loop()
        unread, until = self._room + 1, 0.0
        while (now := self._unread()) > self._room // 2:
            if now < unread:
                unread, until = now, loop.time() + _IDLE_SECONDS
            elif loop.time() > until:
                raise TimeoutError
            await asyncio.sleep(_ROOM_SECONDS)
            self._check_reader()

    def _unread(self) -> int:
        found = fcntl.ioctl(self._in, termios.FIONREAD, bytes(4))
        return int.from_bytes(found, sys.byteorder)

    def _check_reader(self) -> None:
        """Raise BrokenPipeError where nobody reads any more."""
        end = select.poll()
        end.register(self._in, 0)
        if end.poll(0):
            raise BrokenPipeError

    async def _write(self, block: memoryview) -> int:
        """Write for as long as there is room, or soon; return how many bytes are left."""
        while block:
            try:
                written = os.write(self._in, block)
            except BlockingIOError:
                try:
                    await self._room_came(_ROOM_SECONDS)
                except TimeoutError:
                    break
                continue
            block = block[written:]
            self._sent += written
            if self._sent > self._room:
                self._leave()  # somebody has read
        return len(block)

    async def _room_came(self, within: float | None = None) -> float:
        """Wait until there is room, or no reader; return for how many seconds."""
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(self._writable(), within or _IDLE_SECONDS)
        return asyncio.get_running_loop().time() - began

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        free = asyncio.Event()
        loop.add_writer(self._in, free.set)
        try:
            await free.wait()
        finally:
            loop.remove_writer(self._in)

    def _give_up(self) -> None:
        """Have nobody open it any more; who is just opening it still finds a writer."""
        self._path.unlink(missing_ok=True)
        self._leaving = asyncio.get_running_loop().call_later(_LATE_SECONDS, self._leave)

    def _leave(self) -> None:
        """Have the server be the only one who reads: this hears then when it no longer does."""
        if self._is_left:
            return
        self._is_left = True
        self._leaving.cancel()
        self._path.unlink(missing_ok=True)
        os.close(self._out)
