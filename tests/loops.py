"""An event loop for a test, whatever runs in its thread, where Playwright leaves its own."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

R = TypeVar("R")


def in_loop(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end in a thread of its own, and return what it does."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
