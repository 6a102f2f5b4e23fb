"""Load on a server, and what it cost: CPU of the server's processes, speed, and statuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tests.bench import processes
from tests.bench.conversation import Conversation, talking_to

CONNECTIONS = 8
SECONDS = 1.5
_NO_LIMIT = 10**9

Lines = list[list[str]]
"""What each connection sends, in turn."""


class Served(Protocol):
    """A server under load."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def workers(self) -> list[int]:
        """The processes whose CPU counts."""

    @property
    def beside(self) -> dict[str, list[int]]:
        """Processes that work for it, by name; their CPU is told apart."""


@dataclass(frozen=True)
class Load:
    """What came of some seconds of load."""

    requests: int
    statuses: dict[int, int]
    seconds: float
    cpu: float
    """Seconds of CPU for each request."""
    beside: dict[str, float]
    """The same for what works beside the server."""
    times: list[float]
    """How long each answer took, in the order in which they came."""

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, percent: int) -> float:
        """Return the seconds in which so many of a hundred answers were complete."""
        return sorted(self.times)[(len(self.times) - 1) * percent // 100]


class Generator:
    """The process that sends."""

    def __init__(self, sender: Conversation) -> None:
        self._sender = sender

    def load(
        self,
        served: Served,
        lines: Lines,
        *,
        seconds: float = SECONDS,
        most: int = _NO_LIMIT,
        once: bool = False,
    ) -> Load:
        """Send until time or requests are over; `once` sends no request a second time."""
        watched = {"": served.workers, **served.beside}
        before = {name: processes.cpu(pids) for name, pids in watched.items()}
        job = {"port": served.port, "lines": lines, "seconds": seconds, "most": most, "once": once}
        came = self._sender.say(job)
        number = max(1, len(came["times"]))
        spent = {
            name: processes.spent(before[name], processes.cpu(pids)) / number
            for name, pids in watched.items()
        }
        statuses = {int(status): count for status, count in came["statuses"].items()}
        return Load(number, statuses, came["seconds"], spent.pop(""), spent, came["times"])


@contextmanager
def generator() -> Iterator[Generator]:
    """Lend the process that sends; it ends with the block."""
    with talking_to("tests.bench.wire") as sender:
        yield Generator(sender)
