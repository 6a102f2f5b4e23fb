"""Sends requests over connections that stay open: a process of its own, and cheap on purpose.

`python -m tests.bench.wire` reads a job per line from its input and prints what came of it. Each
connection sends its requests in turn, and the next one when an answer is complete.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

_END = b"\r\n\r\n"


class Connection:
    """One connection, and the requests that are left for it."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port = port
        self._requests = requests
        self._answer = bytearray()
        self._began = 0.0
        self.socket = self._opened()

    def send(self) -> bool:
        """Send the next request; False if there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._answer.clear()
        self._began = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> tuple[int, float] | None:
        """Read what has come; return status and seconds once the answer is complete.

        The status is 0 if the server closed the connection, which is then opened again.
        """
        try:
            part = self.socket.recv(262_144)
        except ConnectionError:
            part = b""
        if part:
            self._answer += part
            status = complete(self._answer)
        else:
            self.socket.close()
            self.socket = self._opened()
            status = 0
        return None if status is None else (status, time.perf_counter() - self._began)

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened


def complete(answer: bytes | bytearray) -> int | None:
    """Return the status of an answer, or None while more has to come."""
    head = answer.find(_END)
    if head < 0:
        return None
    status = int(answer[9:12])
    fields = bytes(answer[:head]).lower().split(b"\r\n")
    body = len(answer) - head - len(_END)
    if status in {204, 304}:
        return status
    for field in fields:
        if field.startswith(b"content-length:"):
            return status if body >= int(field.partition(b":")[2]) else None
    return status if answer.endswith(b"0" + _END) else None  # chunks


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Send until the time is over, or the requests are; wait for every answer."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    began = time.perf_counter()
    deadline = began + job["seconds"]
    left = job["most"]
    with selectors.DefaultSelector() as selector:

        def send(connection: Connection) -> None:
            nonlocal left
            if left > 0 and time.perf_counter() < deadline and connection.send():
                left -= 1
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            else:
                connection.socket.close()

        for requests in job["lines"]:
            encoded = [request.encode() for request in requests]
            send(Connection(job["port"], iter(encoded) if job["once"] else cycle(encoded)))
        while selector.get_map():
            for key, _ in selector.select():
                connection: Connection = key.data
                if (answer := connection.receive()) is None:
                    continue
                selector.unregister(key.fileobj)
                statuses[answer[0]] += 1
                times.append(answer[1])
                send(connection)
    return {"statuses": statuses, "seconds": time.perf_counter() - began, "times": times}


def main() -> None:
    """Do one job after the other until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
