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

CLOSED = 0
"""Instead of a status: the server closed the connection over a request."""
_END = b"\r\n\r\n"


class Connection:
    """One connection, and the requests that are left for it.

    A server may close it between two requests. As browsers do, it is then opened for the next one,
    and a request that crossed with the closing is sent again.
    """

    def __init__(
        self, port: int, requests: Iterator[bytes], selector: selectors.BaseSelector
    ) -> None:
        self._port = port
        self._requests = requests
        self._selector = selector
        self._request = b""
        self._socket: socket.socket | None = None
        self._is_used = False
        self._began = 0.0
        self.answer = bytearray()
        self.is_waiting = False
        """Whether an answer has yet to come."""

    def send(self) -> bool:
        """Send the next request; False if there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._request = request
        self._began = time.perf_counter()
        self.is_waiting = True
        self._transmit()
        return True

    def receive(self) -> tuple[int, float] | None:
        """Read what has come; return status and seconds once the answer is complete."""
        assert self._socket
        try:
            part = self._socket.recv(262_144)
        except ConnectionError:
            part = b""
        if part:
            self.answer += part
            status = complete(self.answer)
            if status is None:
                return None
            self._is_used = True
        else:
            may_close = self._is_used and not self.answer
            self.close()
            if not self.is_waiting:
                return None
            if may_close:
                self._transmit()
                return None
            status = CLOSED
        self.is_waiting = False
        return status, time.perf_counter() - self._began

    def close(self) -> None:
        """Close it, until something is sent again."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _transmit(self) -> None:
        self.answer.clear()
        try:
            self._open().sendall(self._request)
        except ConnectionError:
            self.close()
            self._open().sendall(self._request)

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
            self._is_used = False
        return self._socket


def complete(answer: bytes | bytearray) -> int | None:
    """Return the status of an answer, or None while more has to come."""
    head = answer.find(_END)
    if head < 0:
        return None
    status = int(answer[9:12])
    if status in {204, 304}:
        return status
    fields = bytes(answer[:head]).lower()
    _, named, length = fields.partition(b"\r\ncontent-length:")
    if named:
        body = len(answer) - head - len(_END)
        return status if body >= int(length.partition(b"\r\n")[0]) else None
    return status if answer.endswith(b"0" + _END) else None  # chunks


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Send until the time is over, or the requests are; wait for every answer."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    began = time.perf_counter()
    deadline = began + job["seconds"]
    left = job["most"]
    with selectors.DefaultSelector() as selector:
        for requests in job["lines"]:
            encoded = [request.encode() for request in requests]
            ordered = iter(encoded) if job["once"] else cycle(encoded)
            Connection(job["port"], ordered, selector).send()
            left -= 1
        while selector.get_map():
            for key, _ in selector.select():
                connection: Connection = key.data
                if (answer := connection.receive()) is None:
                    continue
                statuses[answer[0]] += 1
                times.append(answer[1])
                if left > 0 and time.perf_counter() < deadline and connection.send():
                    left -= 1
                else:
                    connection.close()
    return {"statuses": statuses, "seconds": time.perf_counter() - began, "times": times}


def main() -> None:
    """Do one job after the other until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
