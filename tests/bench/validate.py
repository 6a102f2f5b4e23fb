"""Validation of a big school, as a multiple of the same checks in plain SQL, and its memory."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from lms import sync
from lms.db import db
from tests.bench.engines import schools
from tests.bench.raw_checks import raw_checks

ROUNDS = 3


def main(enrollments: int) -> None:
    """Print, per engine, both times, their ratio, and by how much the peak of memory grew."""
    print(f"{'engine':12}{'rows':>10}{'raw SQL':>10}{'validate':>10}{'ratio':>8}{'memory':>10}")
    for number in (enrollments // 10, enrollments):
        with schools(number) as all_schools:
            for _ in all_schools:
                _report(number)


def _report(enrollments: int) -> None:
    raw = [text(statement) for statement in raw_checks(db.engine.dialect.name)]

    def run_raw() -> None:
        assert not any(db.session.scalar(statement) for statement in raw)
        db.session.rollback()

    def validate() -> None:
        assert sync.validate().ok
        db.session.rollback()

    run_raw()
    before = _memory("VmRSS", forget_peak=True)
    validate()
    grown = _memory("VmHWM") - before
    pairs = [(_seconds(run_raw), _seconds(validate)) for _ in range(ROUNDS)]
    ratio = statistics.median(ours / floor for floor, ours in pairs)
    floor, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"{db.engine.dialect.name:12}{enrollments:10}{floor:8.2f} s{ours:8.2f} s{ratio:8.2f}"
        f"{grown / 1024:7.1f} MB",
        flush=True,
    )


def _seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _memory(kind: str, *, forget_peak: bool = False) -> int:
    """Return the process's memory now (VmRSS) or at its peak (VmHWM), in kB."""
    if forget_peak:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(kind))
