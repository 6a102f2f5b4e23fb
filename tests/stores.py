"""The homes of contents: what a test does to one past the portal, in a folder and in a bucket."""

import os
import time
from contextlib import closing
from typing import Protocol

from flask import Flask

from lms.files import bucket, folder, store
from tests import buckets


class Home(Protocol):
    """Where contents lie."""

    def age(self, digest: str, times: float) -> None:
        """Have it that a content was kept so many times as long ago as unnamed ones stay."""

    def damage(self, digest: str, content: bytes) -> None:
        """Have something else lie there."""

    def lose(self, digest: str) -> None:
        """Have nothing lie there."""


class Folder:
    """The folder of `LMS_FILES`; within the portal's context."""

    def age(self, digest: str, times: float) -> None:
        """Have it that a content was kept so many times as long ago as unnamed ones stay."""
        then = time.time() - times * folder.ORPHAN_SECONDS
        os.utime(folder.place(digest), (then, then))

    def damage(self, digest: str, content: bytes) -> None:
        """Have something else lie there."""
        folder.place(digest).write_bytes(content)

    def lose(self, digest: str) -> None:
        """Have nothing lie there."""
        folder.place(digest).unlink()


class Bucket:
    """The bucket of `LMS_FILES_BUCKET`."""

    def __init__(self, app: Flask) -> None:
        self.objects = buckets.Objects(app)

    def age(self, digest: str, times: float) -> None:
        """Have it that a content was kept so many times as long ago as unnamed ones stay."""
        self.objects.age(_key(digest), times * bucket.ORPHAN_SECONDS / 3_600)

    def damage(self, digest: str, content: bytes) -> None:
        """Have something else lie there."""
        self.objects.damage(_key(digest), content)

    def lose(self, digest: str) -> None:
        """Have nothing lie there."""
        self.objects.lose(_key(digest))


def content_of(digest: str) -> bytes:
    """Return a content, whole, wherever it lies."""
    with closing(store.opened(digest)) as given:
        return b"".join(iter(lambda: given.read(1_000_000), b""))


def _key(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
