"""PostgreSQL over TCP: the tests' server listens on a socket of its own folder alone."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from sqlalchemy import make_url


@contextmanager
def relayed(url: str) -> Iterator[int]:
    """Lend a port of this machine behind which the server of this address answers."""
    given = make_url(url).query
    path = f"{given['host']}/.s.PGSQL.{given.get('port', '5432')}"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = Thread(target=_serve, args=(listening, path))
        serving.start()
        try:
            yield int(listening.getsockname()[1])
        finally:  # also where the test fails: it would wait for this thread for ever
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def _serve(listening: socket.socket, path: str) -> None:
    relaying: list[Thread] = []
    with suppress(OSError):  # the test is over
        while True:
            here, _ = listening.accept()
            relaying.append(Thread(target=_relay, args=(here, path)))
            relaying[-1].start()
    for each in relaying:
        each.join()


def _relay(here: socket.socket, path: str) -> None:
    with here, socket.socket(socket.AF_UNIX) as there:
        there.connect(path)
        back = Thread(target=_copy, args=(there, here))
        back.start()
        _copy(here, there)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
