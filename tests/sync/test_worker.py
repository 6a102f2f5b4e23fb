"""The worker: once per interval however many run, and a clean end."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from lms import sync
from lms.db import db, now
from lms.queries import sync as runs
from lms.worker import repair_at_start
from tests.conftest import Sql
from tests.forked_flask import run
from tests.forks import Fork
from tests.patience import PATIENCE, comes
from tests.server import ROOT
from tests.sync.conftest import Injure
from tests.sync.school import School


def test_three_workers_repair_once_per_interval_and_end_cleanly(
    school: School, injure: Injure, database_url: str
) -> None:
    injure(school, "progress_drift", "missing_progress")
    db.session.rollback()
    with ExitStack() as stack:
        workers = [
            stack.enter_context(a_worker(database_url, auto_fix_seconds=4)) for _ in range(3)
        ]
        assert comes(lambda: len(_slots()) >= 2)
        assert comes(lambda: all(_can_end(worker.pid) for worker in workers))
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(PATIENCE) for worker in workers] == [0, 0, 0]
    assert len(_slots()) >= 2
    assert len(_slots()) == len(set(_slots()))
    assert sync.validate().ok
    db.session.rollback()
    repaired = [run for run in runs.runs() if any(run.fixed.values())]
    assert len(repaired) == 1
    assert not any(run.status == "running" for run in runs.runs())


def test_a_start_repairs_what_happened_since_the_run_of_its_interval(
    app: Flask, school: School, injure: Injure
) -> None:
    app.config["LMS_AUTO_FIX_SECONDS"] = 10**9
    repair_at_start(app, now())
    injure(school, "progress_drift")
    started_at = now()
    repair_at_start(app, started_at)
    repair_at_start(app, started_at)  # another worker, started at the same moment
    assert sync.validate().ok
    assert [run.trigger for run in runs.runs()] == ["startup", "startup"]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_worker_folds_the_sums(school: School, sql: Sql, database_url: str) -> None:
    left = "SELECT count(*) FROM current_counts WHERE shard <> 0"
    assert sql(left) != [(0,)]
    with a_worker(database_url, auto_fix_seconds=0):
        assert comes(lambda: sql(left) == [(0,)])


@contextmanager
def a_worker(database_url: str, *, auto_fix_seconds: int) -> Iterator[Fork]:
    """Run a worker in a process of its own; at the end it is killed if it is still there."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "SECRET_KEY": "a key for tests alone and long enough",
        "LMS_AUTO_FIX_SECONDS": str(auto_fix_seconds),
    }
    worker = Fork(run, str(ROOT), environment, os.devnull, "worker")
    try:
        yield worker
    finally:
        worker.kill()


def _can_end(pid: int) -> bool:
    """Return whether a process has a handler for SIGTERM; one that still starts is cut off."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _slots() -> list[int]:
    db.session.rollback()
    return [run.slot for run in runs.runs() if run.slot is not None]
