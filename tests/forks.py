"""Processes of a test's own, forked from one that has imported the portal once for all of them.

That one has no threads and no database, so its forks are as good as new interpreters.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext

from tests.patience import PATIENCE

FORKS: ForkServerContext = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.racers", "sqlalchemy.dialects.postgresql.psycopg"])


def exit_code(function: Callable[..., object], *arguments: object) -> int | None:
    """Call a function of a module in a process of its own; return how that ended, None if never."""
    process = FORKS.Process(target=function, args=arguments)
    process.start()
    try:
        process.join(2 * PATIENCE)
        return process.exitcode
    finally:
        process.kill()
        process.join()
