"""Talking to a process of our own, a line of JSON each way."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.server import ROOT

Ask = Callable[[object], dict[str, Any]]
"""Sends a line, and returns what is then said."""


@contextmanager
def talking_to(module: str) -> Iterator[Ask]:
    """Lend the way to ask a module that runs in a process of its own; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask(what: object) -> dict[str, Any]:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            told: dict[str, Any] = json.loads(process.stdout.readline())
            return told

        try:
            yield ask
        finally:
            process.terminate()  # it may be in the middle of something
