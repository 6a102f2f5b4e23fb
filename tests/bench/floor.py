"""The floor: a bare Flask route under gunicorn, with two workers of threads."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.error import URLError
from urllib.request import urlopen

from tests.bench import processes
from tests.bench.load import CONNECTIONS, Generator, Lines, Load
from tests.patience import comes
from tests.server import ROOT, WORKERS, free_port

_REQUEST = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_LINES: Lines = [[_REQUEST]] * CONNECTIONS
_SECONDS = 0.5


@dataclass(frozen=True)
class Floor:
    """The running floor."""

    port: int
    pid: int
    beside: dict[str, list[int]] = field(default_factory=dict)

    @property
    def workers(self) -> list[int]:
        return processes.family(self.pid)

    def measure(self, generator: Generator) -> Load:
        """Return what a bare request costs now; asked anew beside each measurement."""
        load = generator.load(self, _LINES, seconds=_SECONDS)
        assert set(load.statuses) == {200}, load.statuses
        return load


@contextmanager
def running() -> Iterator[Floor]:
    """Lend the running floor."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--log-level", "error", "--keep-alive", "60"),
        *("--worker-class", "gthread", "--workers", str(WORKERS)),
        *("--threads", str(CONNECTIONS // WORKERS), "--bind", f"127.0.0.1:{port}"),
        "tests.bench.bare:app",
    ]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        assert comes(lambda: _answers(port)), "gunicorn does not start"
        yield Floor(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with suppress(URLError, ConnectionError), urlopen(f"http://127.0.0.1:{port}/"):
        return True
    return False
