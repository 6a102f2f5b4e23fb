"""A server that speaks S3, one for all tests of a session, and a bucket of it for each."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count
from urllib.request import Request, urlopen

from flask import Flask

_ACCOUNT = "123456789012"
_numbers = count(1)
PREFIX = "portal"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def served() -> Iterator[str]:
    """Run the server and return its address."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def settings(endpoint: str, name: str) -> dict[str, str]:
    """Return what leads to a bucket."""
    return {
        "LMS_FILES_BUCKET": f"s3://{name}/{PREFIX}",
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket",
    }


def new(endpoint: str) -> dict[str, str]:
    """Create a bucket and return what leads to it."""
    name = f"bucket-{next(_numbers)}"
    with urlopen(Request(f"{endpoint}/{name}", method="PUT")):  # noqa: S310 - of this machine
        return settings(endpoint, name)


class Objects:
    """What lies in a portal's bucket, as the server knows it: by its key without the prefix."""

    def __init__(self, app: Flask) -> None:
        from moto.s3.models import s3_backends  # noqa: PLC0415 - as above

        name = app.config["LMS_FILES_BUCKET"].split("/")[2]
        self._keys = s3_backends[_ACCOUNT]["aws"].buckets[name].keys

    def names(self) -> set[str]:
        """Return all keys."""
        return {key.removeprefix(f"{PREFIX}/") for key in self._keys}

    def age(self, name: str, hours: float) -> None:
        """Have it that an object was put there hours ago."""
        found = self._keys[f"{PREFIX}/{name}"]
        found.last_modified -= timedelta(hours=hours)

    def damage(self, name: str, content: bytes) -> None:
        """Have something else lie there."""
        self._keys[f"{PREFIX}/{name}"].value = content

    def lose(self, name: str) -> None:
        """Have nothing lie there."""
        self._keys.pop(f"{PREFIX}/{name}")


class Between:
    """A server before another: it counts what passes, and holds up what it is told to."""

    def __init__(self, endpoint: str) -> None:
        self.passed: list[str] = []
        """The method and path of each request."""
        self.held = ""
        """How the first line of what waits begins."""
        self.refused: list[str] = []
        """How the first lines begin of what it answers itself with 500, each once."""
        self.has_held, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self._to = endpoint.removeprefix("http://").split(":")
        self._server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, beginning: str) -> None:
        """Hold up each request that begins so until `go_on` is set."""
        self.held = beginning
        self.has_held.clear()
        self.go_on.clear()

    def close(self) -> None:
        """Serve nobody any more."""
        self.go_on.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        server = socket.create_connection((self._to[0], int(self._to[1])))
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        with closing(client), closing(server):
            while some := _received(client):
                line = some.partition(b"\r\n")[0]
                if line.endswith(b" HTTP/1.1"):
                    said = line.decode().rpartition(" ")[0]
                    self.passed.append(said)
                    if self.held and said.startswith(self.held):
                        self.has_held.set()
                        self.go_on.wait()
                    if any(said.startswith(each) for each in self.refused):
                        self.refused.remove(next(filter(said.startswith, self.refused)))
                        client.sendall(_BROKEN)
                        return
                server.sendall(some)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while some := source.recv(65_536):
            target.sendall(some)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has gone
        pass


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65_536)
    except OSError:
        return b""
