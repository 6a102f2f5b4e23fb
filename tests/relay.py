"""PostgreSQL over TCP: the tests' server listens on a socket of its own folder alone."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

from sqlalchemy import make_url


class Wire:
    """Cuts a connection once: at a request of some kind, or before its answer comes back.

    libpq sends a request whole and waits for the answer, so a piece as it arrives is one request.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_answered = False
        self._doomed: set[int] = set()
        self.set()

    def set(self, *, cut_at: int = 0, of: bytes = b"", is_answered: bool = False) -> None:
        """Count requests with these bytes anew, the first is 1, and cut at one; 0 cuts none."""
        with self._lock:
            self._of, self._cut_at, self._is_answered = of, cut_at, is_answered
            self.requests = 0

    @property
    def has_cut(self) -> bool:
        """Whether it has come to that since the wire was set."""
        return 0 < self._cut_at <= self.requests

    def asks(self, connection: int, request: bytes) -> bool:
        """Return whether a request may pass."""
        with self._lock:
            self.requests += self._of in request
            if self._of not in request or self.requests != self._cut_at:
                return True
            self._doomed.add(connection)
            return self._is_answered

    def answers(self, connection: int, _answer: bytes) -> bool:
        """Return whether an answer may pass."""
        return connection not in self._doomed


@contextmanager
def relayed(url: str, wire: Wire | None = None) -> Iterator[int]:
    """Lend a port of this machine behind which the server of this address answers."""
    given = make_url(url).query
    path = f"{given['host']}/.s.PGSQL.{given.get('port', '5432')}"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = Thread(target=_serve, args=(listening, path, wire or Wire()))
        serving.start()
        try:
            yield int(listening.getsockname()[1])
        finally:  # also where the test fails: it would wait for this thread for ever
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def _serve(listening: socket.socket, path: str, wire: Wire) -> None:
    relaying: list[Thread] = []
    with suppress(OSError):  # the test is over
        while True:
            here, _ = listening.accept()
            relaying.append(Thread(target=_relay, args=(here, path, wire, len(relaying))))
            relaying[-1].start()
    for each in relaying:
        each.join()


def _relay(here: socket.socket, path: str, wire: Wire, number: int) -> None:
    with here, socket.socket(socket.AF_UNIX) as there:
        there.connect(path)
        back = Thread(target=_copy, args=(there, here, wire.answers, number))
        back.start()
        _copy(here, there, wire.asks, number)
        back.join()


def _copy(
    source: socket.socket,
    target: socket.socket,
    passes: Callable[[int, bytes], bool],
    number: int,
) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            if not passes(number, piece):
                source.shutdown(socket.SHUT_RDWR)
                break
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
