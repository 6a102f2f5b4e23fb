"""Whether work that a process wrote down as its own is still being done."""

import os
import socket
from datetime import datetime, timedelta

from lms.db import now

LEASE = timedelta(seconds=60)
"""Work that has not given a sign of life for this long is taken to be dead."""


def owner() -> str:
    """Return this machine and process, so that dead work can be taken over at once."""
    return f"{host()}:{os.getpid()}"


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()[:100]


def is_felt(owner: str, at: datetime) -> bool:
    """Return whether the owner lives, and has given a sign of life within the lease."""
    return now() - at <= LEASE and not _is_dead(owner)


def _is_dead(owner: str) -> bool:
    machine, _, process = owner.rpartition(":")
    if machine != host() or not process.isdigit():
        return False  # on another machine: only its silence tells
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
