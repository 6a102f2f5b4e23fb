"""Processes of a test's own, forked from one that has imported the portal once for all of them.

That one has no threads, no database and nothing of the tests, so its forks are as good as new
interpreters.
"""

import multiprocessing
import os
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from subprocess import TimeoutExpired

from tests.patience import PATIENCE

FORKS: ForkServerContext = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["lms", "lms.worker", "sqlalchemy.dialects.postgresql.psycopg", "granian.server"]
)


class Fork:
    """A process that calls a function of a module; it is dealt with as one of subprocess."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._process = FORKS.Process(target=function, args=arguments)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutExpired(str(self._process), timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and nobody has told yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def exit_code(function: Callable[..., object], *arguments: object) -> int:
    """Call a function of a module in a process of its own; return how that ended."""
    fork = Fork(function, *arguments)
    try:
        return fork.wait(2 * PATIENCE)
    finally:
        fork.kill()
