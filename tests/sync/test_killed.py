"""A run that is killed at any line leaves complete steps, and the next run goes on."""

import socket
import subprocess
import sys

import pytest

from lms import enrollment, sync
from lms.db import db
from lms.queries import sync as history
from lms.refusals import SyncRunning
from lms.sync import runs
from tests.builders import a_student
from tests.conftest import Sql
from tests.forks import exit_code
from tests.invariants import assert_invariants, violations
from tests.sync import killed
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.school import School


@pytest.mark.parametrize("statement", [3, 29, 61])
def test_a_killed_run_leaves_complete_steps_and_the_next_goes_on(
    school: School, injure: Injure, database_url: str, statement: int
) -> None:
    students = [a_student(f"Student {number}") for number in range(12)]
    for student in students:
        enrollment.enroll(student, school.algebra, by=school.grace)

    def halve(damage: Damage, here: School) -> None:
        damage.run("DELETE FROM student_progress WHERE course_id = ?", here.algebra)
        damage.run("UPDATE enrollments SET progress = 33 WHERE course_id = ?", here.welcome)

    injure(school, halve)
    broken = sync.validate().total
    db.session.rollback()
    db.engine.dispose()
    assert exit_code(killed.repair, database_url, statement) == killed.ENDED

    left = sync.validate()
    assert {kind for kind, n in left.counts.items() if n} <= {
        "missing_progress",
        "progress_mismatch",
    }
    changes = history.changes(history.runs()[0].id, limit=1000)
    assert left.total + len({row.after and row.after["id"] for row in changes}) >= broken
    result = sync.auto_fix(by=school.grace)
    assert result.total == left.total
    assert not any(result.remaining.values())
    assert [run.status for run in history.runs()] == ["finished", "failed"]
    assert_invariants(db.session())
    assert violations(db.session()) == {}


def test_what_a_killed_run_did_is_undone_without_waiting_for_the_next(
    school: School, sql: Sql
) -> None:
    run_id = runs.begin_run("manual", by=school.grace, scope={}, found={})
    with pytest.raises(SyncRunning):
        sync.undo(run_id, by=school.grace)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    sql("UPDATE sync_runs SET owner = :owner", owner=f"{socket.gethostname()[:100]}:{ended.pid}")
    assert sync.undo(run_id, by=school.grace).kept == []
