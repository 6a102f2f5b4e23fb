"""How long tests wait: for what must come in the end, not for seconds that a busy machine takes."""

import time
from collections.abc import Callable

PATIENCE = 90
"""Seconds until what has not come is taken not to come; a busy machine is slow and not wrong."""


def comes(true: Callable[[], object]) -> bool:
    """Return whether something comes true; once it has, at once."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
