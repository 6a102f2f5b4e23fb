"""The client of S3-compatible storage: each request bounded in time and number, or StorageAway.

obstore waits outside of Python, and in an event loop for as many as there are. Its threads don't
outlive a fork: a process that has asked for something must not be forked.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from lms import logs
from lms.config import setting
from lms.refusals import StorageAway
from lms.transaction import is_inside

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_AT_ONCE = 2 if (os.cpu_count() or 1) > 1 else 1
ASKING = BoundedSemaphore(_AT_ONCE)
"""Threads of one process that wait for a short answer: the others stay with students."""
PUTTING = BoundedSemaphore(_AT_ONCE)
"""Threads that send a content, which takes no place from those who read."""
ANSWER_SECONDS = 10.0
PUT_SECONDS = 120.0
"""How long one request of an upload may take, which sends 8 MB."""
_CONNECT_SECONDS = 3
_WAIT_SECONDS = 3
_SLOW_SECONDS = 2
SHUT_SECONDS = 5
_LONGEST_REASON = 500
_UNANSWERED = "error sending request"
"""In what the client says when nobody answers, whether or not it could connect. Nothing else tells:
a timeout and an answer of 500 are errors of the same class, with nothing but words in them."""
_PANICS = {"PanicException", "RustPanic"}
"""Of Rust, the second in an event loop: neither can be imported, and the first is no Exception."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_WITHIN = re.compile(r"[\s{}(),]+")
_shut: dict[tuple["Address", float], float] = {}
"""Until when nobody asks again who made somebody wait for nothing; uploads apart from the rest."""
_answered: dict[tuple["Address", float], float] = {}
"""When a request ended well last."""
_told_of: dict[object, float] = {}
"""When the log said last that nobody answers, or that there is no place."""


class Address(NamedTuple):
    """What all requests to a bucket have in common."""

    bucket: str
    prefix: str
    endpoint: str | None
    region: str | None
    keys: tuple[str | None, str | None, str | None]


def address() -> Address:
    """Return where the contents of this portal's files are."""
    parts = urlsplit(setting("LMS_FILES_BUCKET"))
    return Address(
        parts.netloc,
        parts.path.strip("/"),
        setting("AWS_ENDPOINT_URL_S3"),
        setting("AWS_REGION"),
        (
            setting("AWS_ACCESS_KEY_ID"),
            setting("AWS_SECRET_ACCESS_KEY"),
            setting("AWS_SESSION_TOKEN"),
        ),
    )


@contextmanager
def asking(
    what: str,
    places: BoundedSemaphore = ASKING,
    *,
    where: Address | None = None,
    is_repeated: bool = True,
) -> Iterator["S3Store"]:
    """Give the client; raises FileNotFoundError for what isn't there, and StorageAway.

    What is not repeated has not been asked for twice: the first may be carried out after the other.
    """
    if is_inside():
        raise RuntimeError(f"{what} was asked of the storage of files inside a transaction")
    seconds = PUT_SECONDS if places is PUTTING else None
    if not places.acquire(timeout=_WAIT_SECONDS):
        raise StorageAway
    try:
        with told(what, where or address(), seconds, is_repeated=is_repeated) as found:
            yield found
    finally:
        places.release()


@contextmanager
def told(
    what: str, where: Address, seconds: float | None = None, *, is_repeated: bool = True
) -> Iterator["S3Store"]:
    """Give the client, and make one line of the log, and one refusal, of whatever it raises."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - as in client

    began, asked = time.monotonic(), (where, seconds or ANSWER_SECONDS)
    if _shut.get(asked, 0.0) > began:
        raise StorageAway
    try:
        yield client(*asked, is_repeated)
    except FileNotFoundError:
        _answered[asked] = time.monotonic()
        raise
    except (BaseError, OSError, ValueError) as error:
        # An answer, whatever it says, is about one object: the others may be well.
        if _UNANSWERED not in str(error):
            raise away(f"{what}: {_reason(error)}") from None
        raise _unanswered(f"{what}: {_reason(error)}", asked, began) from None
    except BaseException as error:
        if type(error).__name__ not in _PANICS:
            raise
        raise away(f"{what}: {error}") from None
    _answered[asked] = time.monotonic()


def _unanswered(reason: str, asked: tuple[Address, float], began: float) -> StorageAway:
    """Have nobody ask for a while where somebody waited in vain, and all others did, too."""
    ended = time.monotonic()
    if ended - began > _SLOW_SECONDS and _answered.get(asked, 0.0) < began:
        _shut[asked] = ended + SHUT_SECONDS
    return away_for_many(reason, asked[0])


def away_for_many(reason: str, about: object = None) -> StorageAway:
    """Do as `away` does, but tell of the same thing once in some seconds: many may wait at once."""
    began = time.monotonic()
    if began - _told_of.get(about, -SHUT_SECONDS) < SHUT_SECONDS:
        return StorageAway()
    _told_of[about] = began
    return away(reason)


def away(reason: str) -> StorageAway:
    """Tell operators why the storage can't be used, and return what users are told."""
    logs.warn("the storage of files can't be used", reason=reason)
    return StorageAway()


@lru_cache(8)
def client(where: Address, seconds: float, is_repeated: bool = True) -> "S3Store":
    """Return the client whose requests take so long at most; imported only for who has a bucket."""
    from obstore.store import S3Store  # noqa: PLC0415

    config: S3Config = {
        "region": where.region or "us-east-1",
        "virtual_hosted_style_request": False,
        "disable_bulk_delete": True,  # not every storage knows it
        "skip_signature": False,  # whatever the environment says, as of the next
        "request_payer": False,
    }
    key, secret, token = where.keys
    if where.endpoint:
        config["endpoint"] = where.endpoint
    if key and secret:
        config |= {"access_key_id": key, "secret_access_key": secret}
    if token:
        config["session_token"] = token
    return S3Store(
        where.bucket,
        prefix=where.prefix or None,
        config=config,
        client_options={
            "allow_http": (where.endpoint or "").startswith("http:"),
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=seconds),
        },
        retry_config={"max_retries": int(is_repeated), "retry_timeout": timedelta(seconds=seconds)},
    )


def _reason(error: Exception) -> str:
    """Return what the client says in its first line, and the cause that stands further below."""
    said, _, rest = str(error).partition("\n")
    if _UNANSWERED in said:
        said += f": {_WITHIN.sub(' ', rest.rpartition('source:')[2]).strip()}"
    elif code := _CODE.search(rest):
        said += f" {code[1]}"
    return f"{type(error).__name__}: {said}"[:_LONGEST_REASON]
