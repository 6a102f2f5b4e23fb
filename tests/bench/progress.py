"""A line now and then about what takes long."""

import sys
import time

_began = time.monotonic()


def tell(what: str) -> None:
    """Say what is being done, and how long the run has taken so far."""
    print(f"[{time.monotonic() - _began:5.0f} s] {what}", file=sys.stderr, flush=True)
