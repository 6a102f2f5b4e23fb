"""Answers about an address: as slow for unknown ones, and no mailbox is flooded by them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep

from lms.db import now

SAME_MAIL = timedelta(minutes=5)
"""A repeat this soon sends no second e-mail."""
_SECONDS = 0.2
"""Longer than it takes to change the account and queue an e-mail."""


@contextmanager
def alike() -> Iterator[None]:
    """Let what happens inside take as long for known and unknown addresses."""
    began = monotonic()
    yield
    sleep(max(0.0, _SECONDS - (monotonic() - began)))


def occasion() -> int:
    """Return the number of the present interval: part of the key of an e-mail that is sent once."""
    return int(now().timestamp() // SAME_MAIL.total_seconds())
