"""Repair of many broken rows, with progress; killed in the middle, it is resumed where it was."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

from sqlalchemy import text

from lms import sync
from lms.db import db
from lms.queries import sync as runs
from tests.bench.engines import schools
from tests.invariants import violations
from tests.sync.damage import damaging

_REPAIR = """
import os
from lms import create_app, sync
from tests.databases import settings
app = create_app(settings(os.environ["DAMAGED"]))
with app.app_context():
    sync.auto_fix(by=None, progress=lambda done, total: print(done, total, flush=True))
"""


def main(rows: int) -> None:
    """Print, per engine, what was repaired before the kill and after it, and how fast."""
    with schools(2 * rows) as all_schools:
        for url, _ in all_schools:
            _break(url, rows)
            name = db.engine.dialect.name
            total = _sound_or_broken()
            done, seconds, steps = _repair(url, kill_at=total // 2)
            left = _sound_or_broken()
            print(f"{name}: killed after {done} of {total} ({steps} steps told), {left} left")
            assert total - left in range(done, done + 1000)
            rest, further, steps = _repair(url)
            print(f"{name}: resumed, {rest} repaired ({steps} steps told)")
            assert rest == left
            assert _sound_or_broken() == 0
            print(f"{name}: {total / (seconds + further):.0f} rows a second", flush=True)


def _break(url: str, rows: int) -> None:
    """Take the mirror of half as many pairs, and let as many others differ from theirs."""
    db.session.rollback()
    db.engine.dispose()
    first = "SELECT id FROM student_progress ORDER BY id LIMIT ?"
    with damaging(url) as damage:
        damage.run(f"DELETE FROM student_progress WHERE id IN ({first})", rows // 2)
        damage.run(
            "UPDATE student_progress SET total_progress = CASE total_progress WHEN 0 THEN 1"
            f" ELSE 0 END WHERE id IN ({first})",
            rows - rows // 2,
        )


def _sound_or_broken() -> int:
    """Return how many rows are broken; whatever a run has changed is sound as a whole."""
    report = sync.validate(sample=1)
    broken = {name for name, count in report.counts.items() if count}
    assert broken <= {"missing_progress", "progress_mismatch"}, broken
    for run in runs.runs(limit=2):
        ids = text(
            "SELECT count(*) FROM sync_changes s JOIN enrollments e"
            " ON s.table_name = 'enrollments' AND s.row_id = e.id LEFT JOIN student_progress p"
            " ON p.student_id = e.user_id AND p.course_id = e.course_id"
            " WHERE s.run_id = :run AND p.total_progress IS DISTINCT FROM e.progress"
        )
        assert db.session.scalar(ids, {"run": run.id}) == 0
    if not report.total:
        assert violations(db.session()).keys() <= {"10 access that the trail does not tell of"}
    db.session.rollback()
    return report.total


def _repair(url: str, kill_at: int | None = None) -> tuple[int, float, int]:
    """Repair in a process of its own; return rows told as done, seconds, and steps told."""
    db.engine.dispose()
    began = time.monotonic()
    process: Any = subprocess.Popen(
        [sys.executable, "-c", _REPAIR],
        env={**os.environ, "DAMAGED": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    done = steps = 0
    for line in process.stdout:
        done, steps = int(line.split()[0]), steps + 1
        if kill_at is not None and done >= kill_at:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    status = process.wait()
    assert status == (0 if kill_at is None else -signal.SIGKILL)
    return done, time.monotonic() - began, steps
