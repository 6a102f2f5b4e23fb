"""Long work takes turns, so that most of a process's threads stay with students."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from lms.refusals import Busy

AT_ONCE = 2 if (os.cpu_count() or 1) > 1 else 1
"""Exports and validations that one process works on at the same time."""
WAITING = 1
"""How many more wait for their turn, each of them in a thread of its own."""
WAIT_SECONDS = 3.0

_turns = BoundedSemaphore(AT_ONCE)
_places = BoundedSemaphore(AT_ONCE + WAITING)


@contextmanager
def turn() -> Iterator[None]:
    """Do what is inside in one of the few turns; raises Busy when none becomes free soon."""
    with _taken(_places, wait=0), _taken(_turns, wait=WAIT_SECONDS):
        yield


@contextmanager
def _taken(free: BoundedSemaphore, *, wait: float) -> Iterator[None]:
    if not free.acquire(timeout=wait):
        raise Busy("The portal is busy with other long tasks. Try again in 5 seconds.", 5)
    try:
        yield
    finally:
        free.release()
