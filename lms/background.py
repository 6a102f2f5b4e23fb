"""Work that may take longer than anyone waits for an answer: it continues after the answer."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from flask import current_app

R = TypeVar("R")

PATIENCE_SECONDS = 10.0
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
_waits = BoundedSemaphore(2)
"""Whoever waits for a result keeps a thread from students, so only few do."""


def result_soon(act: Callable[[], R], *, threads: Executor = _threads) -> R | None:
    """Return a call's result if it comes soon; otherwise None, and the call continues.

    The call has no request. A process that ends before the call has, leaves complete steps.
    """
    future = threads.submit(in_this_portal(act))
    if not _waits.acquire(blocking=False):
        return None
    try:
        return future.result(timeout=PATIENCE_SECONDS)
    except TimeoutError:
        if future.done():
            raise
        return None
    finally:
        _waits.release()


def in_this_portal(act: Callable[[], R]) -> Callable[[], R]:
    """Return the same call for another thread, where it works for the portal that is at work here.

    It has no request.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - documented for threads

    def work() -> R:
        with app.app_context():
            return act()

    return work
