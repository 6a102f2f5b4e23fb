"""Repair of all that is wrong, in small complete steps that may be killed at any line."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import IntegrityError, OperationalError

from lms import schema
from lms.db import db
from lms.queries.read_model import read_model
from lms.queries.sync import Flagged, flagged
from lms.refusals import SyncRunning
from lms.sync import runs
from lms.sync.finding import WHOLE_SCHOOL, Scope
from lms.sync.kind import Check, Kind
from lms.sync.kinds import CHECKS, KINDS
from lms.sync.latest import validate_for_repair
from lms.sync.reasons import reason
from lms.sync.repair import repair_rows
from lms.sync.validation import Progress, Report, repairable
from lms.transaction import without_references

STEP = 500
"""Rows repaired in one transaction: others wait that long at most."""
BATCH = 10_000
PASSES = 8
"""A repair may reveal a violation: a course made visible is then open to all.

Each pass looks only for what the validation before it has found.
"""

Key = tuple[int, int | None, int | None]


@read_model
class AutoFixResult:
    """What a run repaired, or would repair, and what remains."""

    run_id: int
    dry_run: bool
    fixed: dict[str, int]
    total: int
    remaining: dict[str, int]
    restored: int = 0
    """How many counters of ids and defaults of columns the database had lost."""


def auto_fix(
    scope: Scope = WHOLE_SCHOOL,
    *,
    by: int | None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> AutoFixResult:
    """Repair what can be repaired without guessing, or only preview it.

    Raises SyncRunning while another run is alive.
    """
    restored = 0 if dry_run else len(schema.restore_ids())
    found = validate_for_repair(scope, progress if dry_run else _alive(progress))
    if dry_run:
        planned = {check.kind: check.count - check.needs_attention for check in found.checks}
        left = {check.kind: check.needs_attention for check in found.checks}
        preview = runs.log_dry_run(
            by=by, scope=_limits(scope), found=found.counts, fixed=planned, remaining=left
        )
        return _result(preview, planned, left, dry_run=True)
    run_id = runs.begin_run("manual", by=by, scope=_limits(scope), found=found.counts)
    return _fix(_Run(run_id, scope, by, found, progress), restored)


def auto_fix_by_itself(trigger: runs.Trigger, *, slot: int | None = None) -> AutoFixResult | None:
    """Repair the whole school, leaving to people what was left to them.

    None when the slot has had its run, or another run is in progress: that one does the same.
    """
    restored = len(schema.restore_ids())
    found = validate_for_repair(WHOLE_SCHOOL)
    try:
        run_id = runs.begin_run(trigger, by=None, scope={}, found=found.counts, slot=slot)
    except (SyncRunning, runs.SlotTaken):
        return None
    return _fix(_Run(run_id, WHOLE_SCHOOL, None, found, None, flagged=flagged()), restored)


def _fix(run: "_Run", restored: int) -> AutoFixResult:
    try:
        remaining = run.repair_all()
    except BaseException as error:
        why = runs.stopped(f" ({type(error).__name__})")
        runs.finish_run(run.id, fixed={}, remaining={}, error=why)
        raise
    # What another repair put right along the way counts too: the preview had promised it.
    fixed = {
        kind: max(run.fixed[kind], run.found.counts[kind] - remaining.counts[kind])
        for kind in KINDS
    }
    runs.finish_run(run.id, fixed=fixed, remaining=remaining.counts)
    return _result(run.id, fixed, remaining.counts, dry_run=False, restored=restored)


@dataclass
class _Run:
    """A run in progress."""

    id: int
    scope: Scope
    by: int | None
    found: Report
    progress: Progress | None
    fixed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    flagged: Flagged = field(default_factory=Flagged)
    checks_references: bool = True

    def repair_all(self) -> Report:
        """Go through all checks until nothing is left that can be repaired."""
        remaining = self.found
        for _ in range(PASSES):
            wrong = [turn for turn in CHECKS if remaining.counts[turn[0].name]]
            if not sum([self._repair(*turn) for turn in wrong]):
                break
            remaining = validate_for_repair(self.scope)
        return remaining

    def _repair(self, kind: Kind, check: Check) -> int:
        fixed = 0
        for keys in self._batches(kind, check):
            for start in range(0, len(keys), STEP):
                fixed += self._step(kind, check, keys[start : start + STEP])
                self._show_progress(fixed)
        self.fixed[kind.name] += fixed
        return fixed

    def _batches(self, kind: Kind, check: Check) -> Iterator[list[Key]]:
        scope = self.scope
        while keys := repairable(check, scope, limit=BATCH):
            db.session.rollback()
            table = check.model.__tablename__
            yield [key for key in keys if not self.flagged.covers(kind.name, table, key)]
            scope = replace(scope, after=keys[-1][0])
        db.session.rollback()

    def _step(self, kind: Kind, check: Check, keys: list[Key]) -> int:
        """Repair a batch; if it is refused, halve it until the bad row is alone."""
        if not keys:
            return 0
        try:
            with nullcontext() if self.checks_references else without_references():
                return repair_rows(self.id, kind, check, self.scope, keys=keys, by=self.by)
        except OperationalError as error:
            if not self.checks_references or "foreign key mismatch" not in str(error.orig):
                raise
            self.checks_references = False
            return self._step(kind, check, keys)
        except IntegrityError as error:
            if len(keys) > 1:
                middle = len(keys) // 2
                halves = keys[:middle], keys[middle:]
                return sum([self._step(kind, check, half) for half in halves])
            table = check.model.__tablename__
            runs.ask_for_attention(kind=kind.name, table=table, key=keys[0], reason=reason(error))
            return 0

    def _show_progress(self, fixed: int) -> None:
        if self.progress:
            done = sum(self.fixed.values()) + fixed
            self.progress(done, max(self.found.total, done))


def _alive(progress: Progress | None) -> Progress | None:
    """Return what shows that something is done before it is known how much there is to do."""
    return progress and (lambda _, total: progress(0, total))


def _limits(scope: Scope) -> dict[str, int]:
    limits = {"studentId": scope.student_id, "courseId": scope.course_id}
    return {name: value for name, value in limits.items() if value is not None}


def _result(
    run_id: int,
    fixed: dict[str, int],
    remaining: dict[str, int],
    *,
    dry_run: bool,
    restored: int = 0,
) -> AutoFixResult:
    return AutoFixResult(
        run_id=run_id,
        dry_run=dry_run,
        fixed=fixed,
        total=sum(fixed.values()),
        remaining=remaining,
        restored=restored,
    )
