"""Auto-fix runs, what they changed, and what needs an admin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, ScalarSelect, Select, bindparam, func, select

from lms.db import Base, db
from lms.models import Course, OutboxEmail, StripeEvent, SyncAttention, SyncChange, SyncRun, User
from lms.models.columns import constants
from lms.models.record import MOST_ATTEMPTS
from lms.queries.paging import counted, paged, skipped, unpaged
from lms.queries.read_model import columns, read, read_model, stream

_MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Flagged:
    """Rows that scheduled runs leave to a person."""

    rows: frozenset[tuple[str, str, int]] = field(default_factory=frozenset)
    pairs: frozenset[tuple[str, int | None, int | None]] = field(default_factory=frozenset)

    def covers(self, kind: str, table: str, key: tuple[int, int | None, int | None]) -> bool:
        """Return whether this finding needs an admin."""
        row_id, student_id, course_id = key
        is_pair = student_id is not None and course_id is not None
        return (kind, table, row_id) in self.rows or (
            is_pair and (kind, student_id, course_id) in self.pairs
        )


@read_model
class Run:
    """One run of auto-fix, as the history shows it."""

    id: int
    trigger: str
    slot: int | None
    status: str
    is_dry_run: bool
    started_by: str | None
    started_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    scope: dict[str, Any]
    found: dict[str, int]
    fixed: dict[str, int]
    remaining: dict[str, int]
    error: str
    can_be_undone: bool


@read_model
class ChangedRow:
    """One row that a run changed."""

    id: int
    kind: str
    table_name: str
    row_id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    undone_at: datetime | None
    not_undone: str


@read_model
class ChangeList:
    """One page of the rows that a run changed."""

    changes: list[ChangedRow]
    total: int
    page: int
    pages: int


@read_model
class AttentionRow:
    """A violation that needs an admin, and why."""

    id: int
    kind: str
    table_name: str
    row_id: int
    student_id: int | None
    student_name: str | None
    course_id: int
    course_title: str | None
    reason: str
    created_at: datetime


@read_model
class WorkWaiting:
    """What the worker has done and has still to do; of what waits, at most 10,000 are counted."""

    last_auto_fix: datetime | None
    waiting_emails: int
    failed_emails: int
    failed_webhook_events: int
    needs_attention: int


def flagged() -> Flagged:
    """Return what scheduled runs leave alone."""
    rows = db.session.execute(
        select(
            SyncAttention.kind,
            SyncAttention.table_name,
            SyncAttention.row_id,
            SyncAttention.student_id,
            SyncAttention.course_id,
        )
    ).all()
    return Flagged(
        rows=frozenset((row.kind, row.table_name, row.row_id) for row in rows),
        pairs=frozenset(
            (row.kind, row.student_id, row.course_id) for row in rows if row.student_id is not None
        ),
    )


def attention(*, limit: int = 50) -> list[AttentionRow]:
    """Return what needs an admin, oldest first."""
    return read(AttentionRow, _oldest_attention(), limit=limit)


def every_attention() -> Iterator[AttentionRow]:
    """Yield all that needs an admin, oldest first."""
    return stream(AttentionRow, _attention())


def runs(*, limit: int = 50, with_previews: bool = True) -> list[Run]:
    """Return the latest runs, newest first."""
    return read(Run, _latest_runs(with_previews=with_previews), limit=limit)


def every_run() -> Iterator[Run]:
    """Yield all runs, newest first."""
    return stream(Run, _newest_runs())


def run(run_id: int) -> Run | None:
    """Return one run."""
    return next(iter(read(Run, _run(), run_id=run_id)), None)


def changes(run_id: int, *, limit: int, after: int = 0) -> list[ChangedRow]:
    """Return rows that a run changed, in order."""
    return read(ChangedRow, _changes(), run_id=run_id, limit=limit, after=after)


def change_list(run_id: int, *, page: int = 1) -> ChangeList:
    """Return the rows that a run changed, in order, but first those that an undo left unchanged."""
    return ChangeList(
        changes=read(
            ChangedRow,
            _listed_changes(paged(_changes_of_run())),
            run_id=run_id,
            skipped=skipped(page),
        ),
        **counted(_changes_of_run(), page, run_id=run_id),
    )


def every_change(run_id: int) -> Iterator[ChangedRow]:
    """Yield all rows that a run changed, in the same order."""
    return stream(ChangedRow, _listed_changes(unpaged(_changes_of_run())), run_id=run_id)


def work_waiting() -> WorkWaiting:
    """Return the state of the worker's queues, in one statement."""
    [state] = read(WorkWaiting, _work_waiting())
    return state


_LIMIT = bindparam("limit", type_=Integer)
_RUN = bindparam("run_id", type_=Integer)
_KEPT_FIRST = (SyncChange.not_undone == "", SyncChange.id)


@cache
def _attention() -> Select[*tuple[Any, ...]]:
    return (
        select(
            *columns(AttentionRow, SyncAttention, student_name=User.name, course_title=Course.title)
        )
        .outerjoin(User, User.id == SyncAttention.student_id)
        .outerjoin(Course, Course.id == SyncAttention.course_id)
        .order_by(SyncAttention.id)
    )


@cache
def _oldest_attention() -> Select[*tuple[Any, ...]]:
    return _attention().limit(_LIMIT)


@cache
def _latest_runs(*, with_previews: bool) -> Select[*tuple[Any, ...]]:
    statement = _newest_runs().limit(_LIMIT)
    return statement if with_previews else statement.where(~SyncRun.is_dry_run)


@cache
def _newest_runs() -> Select[*tuple[Any, ...]]:
    return _runs().order_by(SyncRun.id.desc())


@cache
def _run() -> Select[*tuple[Any, ...]]:
    return _runs().where(SyncRun.id == _RUN)


@cache
def _changes() -> Select[*tuple[Any, ...]]:
    return (
        select(*columns(ChangedRow, SyncChange))
        .where(SyncChange.run_id == _RUN, SyncChange.id > bindparam("after", type_=Integer))
        .order_by(SyncChange.id)
        .limit(_LIMIT)
    )


@cache
def _changes_of_run() -> Select[*tuple[Any, ...]]:
    return select(SyncChange.id).where(SyncChange.run_id == _RUN).order_by(*_KEPT_FIRST)


@cache
def _listed_changes(found: Select[Any]) -> Select[*tuple[Any, ...]]:
    ids = found.subquery()
    rows = select(*columns(ChangedRow, SyncChange)).join(ids, ids.c.id == SyncChange.id)
    return rows.order_by(*_KEPT_FIRST)


def _runs() -> Select[*tuple[Any, ...]]:
    has_changes = (
        select(SyncChange.id)
        .where(SyncChange.run_id == SyncRun.id, SyncChange.undone_at.is_(None))
        .exists()
    )
    can_be_undone = has_changes & SyncRun.status.in_(constants("finished", "failed"))
    return select(
        *columns(Run, SyncRun, started_by=User.name, can_be_undone=can_be_undone)
    ).outerjoin(User, User.id == SyncRun.started_by)


@cache
def _work_waiting() -> Select[*tuple[Any, ...]]:
    is_waiting = OutboxEmail.sent_at.is_(None)
    oldest = select(OutboxEmail.attempts).where(is_waiting).order_by(OutboxEmail.id)
    waiting = oldest.limit(_MOST_COUNTED).subquery()
    failed = select(func.count()).where(waiting.c.attempts >= MOST_ATTEMPTS)
    return select(
        select(SyncRun.finished_at)
        .where(~SyncRun.is_dry_run, SyncRun.status == "finished", SyncRun.trigger != "import")
        .order_by(SyncRun.id.desc())  # there are thousands, and one is in progress at a time
        .limit(1)
        .scalar_subquery()
        .label("last_auto_fix"),
        _counted(OutboxEmail, is_waiting).label("waiting_emails"),
        failed.scalar_subquery().label("failed_emails"),
        _counted(StripeEvent, StripeEvent.status == "failed").label("failed_webhook_events"),
        _counted(SyncAttention).label("needs_attention"),
    )


def _counted(model: type[Base], *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """Return how many rows there are, up to a number above which it makes no difference."""
    some = select(model.__table__.c.id).where(*conditions).limit(_MOST_COUNTED).subquery()
    return select(func.count()).select_from(some).scalar_subquery()
