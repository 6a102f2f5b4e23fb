"""Kills the portal for real, with SIGKILL, at chosen lines of its own code.

A process of its own, since it forks: `python -m tests.faults.killed KILLS`, on the database of
DATABASE_URL. Each deed is killed at that many of its lines, evenly spread from its first to its
last; 0 kills at every line. After a kill nothing may be half done, and doing the same again must
end as if nothing had happened.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import lms
from lms import create_app
from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from lms.processes import end_with_parent
from tests.databases import settings
from tests.faults.scenarios import ALL, Scenario, World
from tests.invariants import assert_invariants, violations

OURS = str(Path(lms.__file__).parent) + os.sep
NEVER = 10**9


def main(kills: int) -> None:
    """Kill every deed, telling at how many of its lines."""
    with tempfile.TemporaryDirectory() as folder, _stripe(folder) as world:
        app = create_app(settings(os.environ["DATABASE_URL"]))
        with app.app_context():
            for make in ALL:
                make(world).act()  # what is imported and prepared once is not counted
                lines = _length(make(world))
                for line in _spread(lines, kills or lines):
                    _kill(make(world), line)
                told = f"{make.__name__}: killed at {kills or lines} of {lines} lines\n"
                sys.stdout.write(told)


@contextmanager
def _stripe(folder: str) -> Iterator[World]:
    """Run a stand-in in another process: a fork beside its threads might inherit a lock of theirs.

    Ours never serves; it only acts on the same books.
    """
    here, there = Pipe()
    serving = Process(target=_serve, args=(folder, there), daemon=True)
    serving.start()
    url = here.recv()
    stripe = StripeStandIn(folder)
    try:
        yield World(stripe, Gateway(stripe.key, base=url))
    finally:
        serving.terminate()
        serving.join()


def _serve(folder: str, there: Connection) -> None:
    end_with_parent()
    with StripeStandIn(folder) as stripe:
        there.send(stripe.url)
        signal.pause()


def _length(scenario: Scenario) -> int:
    """Return of how many lines the deed is made."""
    counted = [0]
    _tracing(scenario.act, counted, NEVER, scenario.harmless)
    scenario.check()
    return counted[0]


def _spread(lines: int, kills: int) -> list[int]:
    return sorted({1 + number * (lines - 1) // max(kills - 1, 1) for number in range(kills)})


def _kill(scenario: Scenario, line: int) -> None:
    db.session.remove()
    db.engine.dispose()  # a connection that both processes had would end for both
    child = os.fork()
    if child == 0:
        _tracing(scenario.act, [0], line, scenario.harmless)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"failed before line {line}"
    _check_sound()
    try:
        scenario.act()
    except Exception as error:
        if scenario.harmless is None or not isinstance(error, scenario.harmless):
            raise
    db.session.remove()
    scenario.check()
    _check_sound()


def _check_sound() -> None:
    assert_invariants(db.session())
    assert violations(db.session()) == {}
    db.session.remove()


def _tracing(
    act: Callable[[], object], counted: list[int], kill_at: int, harmless: type[Exception] | None
) -> None:
    def lines(_frame: FrameType, event: str, _value: Any) -> Any:
        if event == "line":
            counted[0] += 1
            if counted[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return lines

    def calls(frame: FrameType, _event: str, _value: Any) -> Any:
        return lines if frame.f_code.co_filename.startswith(OURS) else None

    sys.settrace(calls)
    try:
        act()
    except Exception as error:
        if harmless is None or not isinstance(error, harmless):
            raise
    finally:
        sys.settrace(None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
