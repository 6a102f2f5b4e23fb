"""Talking to a process of our own, a line of JSON each way."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.server import ROOT


class Conversation:
    """What is said to a process, and what it answers: a line of JSON each."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, what: object) -> dict[str, Any]:
        """Send a line, and return what is then said."""
        self.send(what)
        return self.hear()

    def send(self, what: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def talking_to(module: str) -> Iterator[Conversation]:
    """Lend the way to ask a module that runs in a process of its own; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Conversation(process)
        finally:
            process.terminate()  # it may be in the middle of something
