"""Figures about requests, for Prometheus.

Worker processes share them through files in one folder, so that each scrape shows them all.
"""

import os
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
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


def share_between_processes(folder: Path) -> None:
    """Have all processes forked from here write to one folder; call it before any request."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # half typed


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    _requests.labels(method, route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


def exposition() -> bytes:
    """Return all figures in Prometheus' text format."""
    if not os.environ.get(_FOLDER):
        return generate_latest(_registry)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # half typed
    return generate_latest(together)
