"""Thousands of open pages that poll, and a few people who change things: a process of its own.

`python -m tests.bench.browsers` reads one job from its input, lets every page load, prints a line,
waits for one, and then polls as browsers do: each page by its own clock, over a connection that
stays open. A poll's time counts from when it was due, so that a server that stalls hides nothing.
"""

import heapq
import json
import math
import re
import selectors
import socket
import sys
import time
from collections import Counter
from itertools import cycle, islice, repeat
from typing import Any

from tests.bench.wire import CLOSED, Connection

_LOADING = 16
"""How many pages load at the same time."""
_PEOPLE = 8
_TAG = re.compile(rb"\r\netag: *([^\r]+)", re.IGNORECASE)
_PATIENCE = 30


class Tab(Connection):
    """One page, which knows the tag of what it shows."""

    def __init__(self, port: int, request: str, selector: selectors.BaseSelector) -> None:
        self._start, _, self._rest = request.partition("{etag}")
        self._tag = ""
        self.due = 0.0
        super().__init__(port, map(self._with_tag, repeat(None)), selector)

    def receive(self) -> tuple[int, float] | None:
        """Remember the tag of a complete answer; seconds count from when the poll was due."""
        answer = super().receive()
        if answer is None:
            return None
        if tag := _TAG.search(self.answer):
            self._tag = tag[1].decode()
        return answer[0], time.perf_counter() - self.due

    def _with_tag(self, _: None) -> bytes:
        return f"{self._start}{self._tag}{self._rest}".encode()


class Afternoon:
    """All of them at once, for a while."""

    def __init__(self, job: dict[str, Any], selector: selectors.BaseSelector) -> None:
        self._job = job
        self._selector = selector
        self._tabs = [Tab(job["port"], request, selector) for request in job["polls"]]
        changes = cycle([change.encode() for change in job["changes"]])
        self._people = [Connection(job["port"], changes, selector) for _ in range(_PEOPLE)]
        self.polls: Counter[int] = Counter()
        self.changes: Counter[int] = Counter()
        self.times: list[float] = []

    def load_pages(self) -> Counter[int]:
        """Let every page load once, a few at a time; return the statuses."""
        statuses: Counter[int] = Counter()
        waiting = iter(self._tabs)
        for tab in islice(waiting, _LOADING):
            tab.send()
        while statuses.total() < len(self._tabs):
            for key, _ in self._selector.select():
                if (answer := key.data.receive()) is None:
                    continue
                statuses[answer[0]] += 1
                for following in islice(waiting, 1):
                    following.send()
        return statuses

    def run(self) -> None:
        """Poll and change until the time is over, and wait for the last answers."""
        began = time.perf_counter()
        over = began + self._job["seconds"]
        interval = self._job["interval"]
        spread = interval / len(self._tabs)
        due = [(began + spread * place, place) for place in range(len(self._tabs))]
        change_at = began if self._job["changes"] else math.inf
        while (moment := time.perf_counter()) < over:
            while due[0][0] <= moment:
                then, place = due[0]
                self._poll(self._tabs[place], then)
                heapq.heapreplace(due, (then + interval, place))
            while change_at <= moment:
                self._change()
                change_at += 1 / self._job["per_second"]
            self._take(min(due[0][0], change_at, over) - moment)
        while self._waiting() and time.perf_counter() < over + _PATIENCE:
            self._take(1)
        self.polls[CLOSED] += len(self._waiting())

    def _waiting(self) -> list[Connection]:
        return [each for each in (*self._tabs, *self._people) if each.is_waiting]

    def _poll(self, tab: Tab, due: float) -> None:
        if tab.is_waiting:
            self.polls[CLOSED] += 1  # the last poll is not answered yet
            return
        tab.due = due
        tab.send()

    def _change(self) -> None:
        for free in islice((each for each in self._people if not each.is_waiting), 1):
            free.send()

    def _take(self, timeout: float) -> None:
        for key, _ in self._selector.select(max(0, timeout)):
            connection: Connection = key.data
            if (answer := connection.receive()) is None:
                continue
            status, seconds = answer
            if isinstance(connection, Tab):
                self.polls[status] += 1
                self.times.append(seconds)
            else:
                self.changes[status] += 1


def main() -> None:
    """Do the job."""
    job = json.loads(sys.stdin.readline())
    socket.setdefaulttimeout(_PATIENCE)
    with selectors.DefaultSelector() as selector:
        afternoon = Afternoon(job, selector)
        print(json.dumps(afternoon.load_pages()), flush=True)
        sys.stdin.readline()
        afternoon.run()
    told = {name: getattr(afternoon, name) for name in ("polls", "changes", "times")}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
