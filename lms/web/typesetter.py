"""typst in a process of its own, which begins with the first order and ends when none comes.

With its typefaces it takes 65 MB, which each web worker would keep for good; and on some lines it
ends rather than fail.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import IO, cast

IDLE_SECONDS = 60
"""How long the process waits for the next order."""
_PATIENCE_SECONDS = 30
_SCRIPT = Path(__file__).with_name("typst_process.py")


class NotDrawn(Exception):  # noqa: N818 - the text's fault, most often
    """typst can't draw this."""


class Typesetter:
    """Has templates of one folder drawn, with typefaces from packages."""

    def __init__(
        self, folder: Path, typefaces: tuple[str, ...], *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._arguments = [str(folder), str(idle_seconds), *typefaces]
        self._folder = folder
        self._one_at_a_time = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.end)

    def drawn(self, template: str, words: dict[str, str], moment: datetime | None = None) -> bytes:
        """Return the PDF; raises NotDrawn."""
        order = {
            "template": str(self._folder / template),
            "words": words,
            "moment": moment and moment.isoformat(),
        }
        line = json.dumps(order).encode() + b"\n"
        with self._one_at_a_time:
            with suppress(BrokenPipeError, EOFError):
                return self._asked(line)
            self.end()  # it had ended, most likely because nobody had asked for long
            try:
                return self._asked(line)
            except (BrokenPipeError, EOFError):
                self.end()
                raise NotDrawn("typst ended") from None

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return  # a fork's parent still asks it
        process.kill()
        with suppress(BrokenPipeError):
            process.communicate()

    def _asked(self, line: bytes) -> bytes:
        process = self._running()
        orders, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        orders.write(line)
        orders.flush()
        if not select.select([answers], [], [], _PATIENCE_SECONDS)[0]:
            self.end()
            raise NotDrawn(f"typst took more than {_PATIENCE_SECONDS} s")
        if not (said := answers.readline()):
            raise EOFError
        answer = json.loads(said)
        if "refused" in answer:
            raise NotDrawn(answer["refused"])
        pdf = answers.read(answer["bytes"])
        if len(pdf) < answer["bytes"]:
            raise EOFError
        return pdf

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid():
            # It ends when its input does: with this process, however that ends.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_SCRIPT), *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._owner = os.getpid()
        return self._process
