"""A process that kills itself at a chosen line; scripts of tests run it."""

import os
import signal
import sys
from types import FrameType, ModuleType
from typing import Any


def kill_at(line: int, module: ModuleType) -> None:
    """Kill this process with SIGKILL once it has run so many lines of a module."""
    run = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal run
        if frame.f_code.co_filename != module.__file__:
            return None
        run += event == "line"
        if run == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
