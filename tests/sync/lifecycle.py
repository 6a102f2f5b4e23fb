"""What holds for every kind: it is found, previewed, repaired once, and taken back."""

from lms import sync
from lms.db import db
from tests.invariants import assert_invariants
from tests.sync.conftest import Injure, contents
from tests.sync.injections import injections
from tests.sync.school import School


def live_through(school: School, injure: Injure, kind: str) -> None:
    """Bring a kind of violation in, repair it and undo the repair."""
    injection = injections()[kind]
    injure(school, kind)
    damaged = contents()

    report = sync.validate()
    [check] = [check for check in report.checks if check.kind == kind]
    assert check.count == len(check.sample) > 0
    assert not report.ok

    preview = sync.auto_fix(by=school.grace, dry_run=True)
    assert preview.fixed[kind] == check.count
    assert not any(preview.remaining.values())
    assert contents() == damaged

    result = sync.auto_fix(by=school.grace)
    assert result.fixed[kind] == check.count
    assert not any(result.remaining.values())
    assert_invariants(db.session())
    if not injection.loses_completions:
        learned = len(damaged["chapter_completions"])
        assert len(contents()["chapter_completions"]) == learned
    assert sync.auto_fix(by=school.grace).total == 0

    undone = sync.undo(result.run_id, by=school.grace)
    assert all(row.reason for row in undone.kept)
    if injection.undo == "refused":
        assert undone.kept
    elif injection.undo == "whole":
        assert {row.table for row in undone.kept} == injection.kept
        now, changed = contents(), injection.kept | injection.dropped
        assert now == damaged | {table: now[table] for table in changed if table in now}
