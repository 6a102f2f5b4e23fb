"""Figures about requests, for Prometheus.

Worker processes share them through files in one folder, so that each scrape shows them all.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "metrics"
_registry = CollectorRegistry()
_requests = Counter(
    "portal_requests", "Requests answered", ("method", "route", "status"), registry=_registry
)
_seconds = Histogram(
    "portal_request_seconds",
    "Time from the request to its answer",
    ("route",),
    registry=_registry,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_refusals = Counter(
    "portal_refusals", "Requests refused, by the code of the refusal", ("code",), registry=_registry
)
_left = Counter(
    "portal_standby_left",
    "Reads for the standby that the primary answered",
    ("reason",),
    registry=_registry,
)
_connections = Gauge(
    "portal_database_connections",
    "Connections to the database in use, by the setting that says where it is",
    ("setting",),
    multiprocess_mode="livesum",
    registry=_registry,
)
_full = Counter(
    "portal_database_connections_full",
    "Requests that found all connections in use for too long",
    ("route",),
    registry=_registry,
)


@contextmanager
def shared_between_processes(parent: Path, name: str) -> Iterator[None]:
    """Have all processes forked from here write to one folder; enter it before any request.

    The folder is a new one below `parent`. Those of portals that were killed are removed.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder, held = _own_folder(parent, name)
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # half typed
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    _requests.labels(method, route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


def count_refusal(code: str) -> None:
    """Count one refused request."""
    _refusals.labels(code).inc()


def count_left_standby(reason: str) -> None:
    """Count one read that the standby couldn't be used for."""
    _left.labels(reason).inc()


def count_connections(setting: str, engine: Engine) -> None:
    """Tell from now on how many connections of an engine are in use."""

    # A connection that couldn't be made is given back, too, without having been taken.
    def count(_connection: object, record: ConnectionPoolEntry, *_: object) -> None:
        noted: Any = record.record_info
        noted["is_counted"] = True
        _connections.labels(setting).inc()

    def uncount(_connection: object, record: ConnectionPoolEntry) -> None:
        noted: Any = record.record_info
        if noted.pop("is_counted", False):
            _connections.labels(setting).dec()

    for pool in {engine.pool, engine.get_execution_options().get("writers", engine.pool)}:
        event.listen(pool, "checkout", count)
        event.listen(pool, "checkin", uncount)


def count_full(route: str) -> None:
    """Count one request for which no connection was free."""
    _full.labels(route).inc()


def exposition() -> bytes:
    """Return what was counted, in Prometheus' text format."""
    if not (folder := os.environ.get(_FOLDER)):
        return generate_latest(_registry)
    _forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # half typed
    return generate_latest(together)


def _forget_dead(folder: Path) -> None:
    """Remove what processes that were killed had in use."""
    for left in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(left.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)  # another scrape may be doing the same
        except PermissionError:  # somebody else's: it lives
            pass


def _own_folder(parent: Path, name: str) -> tuple[Path, int]:
    """Return a new folder, and what holds its lock as long as one of our processes lives."""
    with (parent / f"{_PREFIX}.lock").open("a") as turn:
        # Another that begins now must not find a folder here before it is locked.
        flock(turn, LOCK_EX)
        shutil.rmtree(parent / f"{_PREFIX}-{name}", ignore_errors=True)  # of an earlier release
        for left in parent.glob(f"{_PREFIX}-*-*"):
            if not _is_in_use(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(mkdtemp(prefix=f"{_PREFIX}-{name}-", dir=parent))
        held = os.open(folder, os.O_RDONLY)
        flock(held, LOCK_EX)
    return folder, held


def _is_in_use(folder: Path) -> bool:
    """Return whether a process lives to which the folder belongs: forks share their lock."""
    try:
        with _opened(folder) as descriptor:
            flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # a portal has just ended, and removed it
        pass
    return False


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
