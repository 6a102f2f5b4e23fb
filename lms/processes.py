"""A few processes that live and die together: the web server and what works beside it."""

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

Work = Callable[[], None]

GRACE_SECONDS = 8
"""How long a process may finish what it does after it was asked to end."""
_TOO_SOON_SECONDS = 3
_PAUSE_SECONDS = 1
_log = logging.getLogger(__name__)


def run_together(works: Mapping[str, Work]) -> int:
    """Run each work in a process of its own until SIGINT or SIGTERM; return the exit status.

    A process that dies is started again; one that cannot even start at first ends all. Call it
    while no other thread runs: processes are forked, so that they need not import all again.
    """
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: asked.append(signum))
    _let_forks_be_ended()
    running = {name: _start(work) for name, work in works.items()}
    started = dict.fromkeys(running, time.monotonic())
    restarted: set[str] = set()
    status = 0
    while not asked and status == 0:
        wait([process.sentinel for process in running.values()], timeout=0.5)
        for name, process in running.items():
            if process.is_alive() or asked:
                continue
            is_too_soon = time.monotonic() - started[name] < _TOO_SOON_SECONDS
            if is_too_soon and name not in restarted:
                _log.error("%s exited right after starting; giving up", name)
                status = process.exitcode or 1
                break
            _log.error("%s exited with status %s; restarting it", name, process.exitcode)
            if is_too_soon:  # whatever is in its way now, the others work without it
                time.sleep(_PAUSE_SECONDS)
            running[name] = _start(works[name])
            started[name] = time.monotonic()
            restarted.add(name)
    _end(list(running.values()))
    return status


def end_with_parent(parent: int | None = None, number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent dies, however it dies.

    Without it, `kill -9` of the parent would leave servers behind that hold the port. Linux only.
    """
    if sys.platform != "linux":
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, number)
    if parent is not None and os.getppid() != parent:  # it died before the kernel knew
        sys.exit(1)


def _let_forks_be_ended() -> None:
    """Have SIGTERM end a process from its very start until it has a handler of its own.

    A fork inherits its parent's handler. One that was asked to end before it had replaced it, here
    or in the web server's workers, would take note of that for its parent, and stay.
    """

    def reset() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        mask(signal.SIG_UNBLOCK)

    def mask(how: int) -> None:
        signal.pthread_sigmask(how, [signal.SIGTERM])

    os.register_at_fork(
        before=lambda: mask(signal.SIG_BLOCK),
        after_in_parent=lambda: mask(signal.SIG_UNBLOCK),
        after_in_child=reset,
    )


def _start(work: Work) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=_work, args=(work, os.getpid()))
    process.start()
    return process


def _work(work: Work, parent: int) -> None:
    # Ctrl-C goes to all; the parent passes it on. Blocked, not ignored: the web server's processes
    # would handle it anew, and one that is asked twice to end does not end.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    end_with_parent(parent)
    work()


def _end(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        process.join(max(0.1, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
