"""Answers with contents of the store, wherever it is: they take no thread of ours while sent."""

from collections.abc import Iterator

from flask import request

from lms.db import end_reading
from lms.files import bucket, store
from lms.files.bucket import Content
from lms.refusals import StorageAway
from lms.web.sent_files import FileBody

FIRST = 1 << 18
"""How much of a content in a bucket is there before an answer begins."""
BEGINS = "lms.begins_contents"
"""In the environment of a request whose server begins what comes from a bucket, in no thread: a
list for what it has to begin."""
AWAY = "lms.storage_is_away"
"""In the environment of a request for which a server has asked a bucket for nothing."""
_BLOCK = 1 << 16


class BucketBody:
    """The body of an answer that comes from a bucket while it is sent."""

    def __init__(
        self, source: Content, *, is_head: bool = False, reader: int | None = None
    ) -> None:
        self.source = source
        self.reader = reader
        """Who reads it: nobody may take the places of all."""
        self.length = source.left
        self.first = b""
        self.path = store.part()
        """Under which name a server is to read it, where it isn't short."""
        self._is_head = is_head

    @property
    def is_short(self) -> bool:
        """Whether all that is to be sent is there once it has begun."""
        return self._is_head or self.length <= FIRST

    def begin(self) -> None:
        """Read the first bytes; raises StorageAway, and FileNotFoundError where it isn't whole."""
        if self._is_head:
            self.source.look()
        else:
            self.first = bytes(self.source.begin(FIRST))

    async def begin_in_loop(self) -> None:
        """Do so in an event loop."""
        if self._is_head:
            await self.source.look_in_loop()
        else:
            self.first = bytes(await self.source.begin_in_loop(FIRST))

    def __iter__(self) -> Iterator[bytes]:
        """Yield it in blocks: for servers that wait for it."""
        yield self.first
        while self.source.left:
            yield bytes(self.source.read(_BLOCK))


def body_of(
    digest: str, size: int, start: int = 0, stop: int | None = None, *, reader: int | None = None
) -> "Body":
    """Return the body of an answer to this request; raises FileNotFoundError and StorageAway.

    `reader` is the id of who asked, if anybody has signed in for it.
    """
    end_reading()
    if not bucket.is_set():
        if store.size(digest) != size:
            raise FileNotFoundError(digest)
        return FileBody(store.place(digest), start, size if stop is None else stop)
    if AWAY in request.environ:
        raise StorageAway
    source = Content(digest, size, start, size if stop is None else stop)
    body = BucketBody(source, is_head=request.method == "HEAD", reader=reader)
    if (beginning := request.environ.get(BEGINS)) is None:
        body.begin()
    else:
        beginning.append(body)
    return body


Body = FileBody | BucketBody
