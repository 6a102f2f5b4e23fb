"""What is wrong in the school, by one set-based SELECT per check, on either database."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, cast, func, select

from lms import models as m
from lms.db import db, now
from lms.queries.read_model import read_model, stream_rows
from lms.sync.finding import WHOLE_SCHOOL, Scope, within
from lms.sync.kind import Check
from lms.sync.kinds import CHECKS, KINDS

SAMPLE = 10
Progress = Callable[[int, int], None]
"""Is told how many checks of how many are done."""


@read_model
class Finding:
    """One violation: the row's value, the expected one, and its repair."""

    entity: str
    id: int | None
    student_id: int | None
    student_name: str | None
    course_id: int | None
    course_title: str | None
    expected: str
    actual: str
    attention: str | None
    """Why a person has to decide; null where auto-fix repairs it."""


@read_model
class ListedFinding(Finding):
    """One violation as an export lists it, with its kind."""

    kind: str
    repair: str


@read_model
class KindReport:
    """All violations of one kind: how many, and some of them."""

    kind: str
    label: str
    count: int
    needs_attention: int
    """How many of them auto-fix leaves to a person."""
    repair: str
    sample: list[Finding]


@read_model
class Report:
    """Whether the school's data is consistent, and what is not."""

    ok: bool
    checked_at: datetime
    total: int
    checks: list[KindReport]

    @property
    def counts(self) -> dict[str, int]:
        """How many violations of each kind there are."""
        return {check.kind: check.count for check in self.checks}


def validate(
    scope: Scope = WHOLE_SCHOOL,
    *,
    sample: int = SAMPLE,
    progress: Progress | None = None,
    connection: Connection | None = None,
) -> Report:
    """Check everything in scope at one moment, one SELECT per check."""
    counts, undecided = Counter[str](), Counter[str]()
    samples: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    checked_at = now()
    if connection is None:  # rows, not entities: the ORM would take half of the time
        connection = db.session.connection()
    for number, (kind, check) in enumerate(CHECKS, start=1):
        statement = _counted(check.find, scope.shape)
        rows = connection.execute(statement, {**scope.values, "sample": max(sample, 1)}).all()
        if rows:
            counts[kind.name] += rows[0].total
            undecided[kind.name] += rows[0].undecided
            samples[kind.name] += [(check.model.__tablename__, row) for row in rows]
        if progress:
            progress(number, len(CHECKS))
    students, courses = _names(connection, [row for rows in samples.values() for _, row in rows])
    return Report(
        ok=not counts,
        checked_at=checked_at,
        total=counts.total(),
        checks=[
            KindReport(
                kind=name,
                label=kind.label,
                count=counts[name],
                needs_attention=undecided[name],
                repair=kind.repair,
                sample=[_finding(*row, students, courses) for row in samples[name][:sample]],
            )
            for name, kind in KINDS.items()
        ],
    )


def findings(scope: Scope, *, limit: int = 500) -> Iterator[tuple[KindReport, Finding]]:
    """Return every violation in a small scope, with its kind."""
    for kind in validate(scope, sample=limit).checks:
        for finding in kind.sample:
            yield kind, finding


def every_finding(scope: Scope = WHOLE_SCHOOL) -> Iterator[ListedFinding]:
    """Yield every violation in scope, whatever their number, one SELECT per check."""
    for kind, check in CHECKS:
        told = {"kind": kind.name, "entity": check.model.__tablename__, "repair": kind.repair}
        statement = _named(check.find, scope.shape)
        for row in stream_rows(statement, **scope.values):
            yield ListedFinding(**told, **row)


def repairable(
    check: Check, scope: Scope, *, limit: int
) -> list[tuple[int, int | None, int | None]]:
    """Return row, student and course of findings that auto-fix may repair, by rising row id."""
    statement = _repairable(check.find, scope.shape)
    rows = db.session.connection().execute(statement, {**scope.values, "sample": limit})
    return [(row.row_id, row.student_id, row.course_id) for row in rows]


@cache
def _counted(find: Callable[[], Select[Any]], shape: Scope) -> Select[Any]:
    """Return some findings with the number of all, and of those that need a person."""
    found = within(find(), shape).subquery()
    total = func.count().over().label("total")
    undecided = func.count(found.c.attention).over().label("undecided")
    return select(found, total, undecided).limit(bindparam("sample", type_=Integer))


@cache
def _named(find: Callable[[], Select[Any]], shape: Scope) -> Select[Any]:
    """Return all findings with the names of whom and what they are about, however often kept."""
    found = within(find(), shape).subquery()
    # Where a check names nobody or no course, PostgreSQL takes its NULL for a text.
    student_id, course_id = (cast(found.c[key], Integer) for key in ("student_id", "course_id"))
    name = select(func.max(m.User.name)).where(m.User.id == student_id)
    title = select(func.max(m.Course.title)).where(m.Course.id == course_id)
    return select(
        *(each for each in found.c if each.name != "row_id"),
        found.c.row_id.label("id"),
        name.scalar_subquery().label("student_name"),
        title.scalar_subquery().label("course_title"),
    )


@cache
def _repairable(find: Callable[[], Select[Any]], shape: Scope) -> Select[Any]:
    found = within(find(), shape).subquery()
    return (
        select(found.c.row_id, found.c.student_id, found.c.course_id)
        .where(found.c.attention.is_(None), found.c.row_id.is_not(None))
        .order_by(found.c.row_id)
        .limit(bindparam("sample", type_=Integer))
    )


def _names(connection: Connection, rows: list[Any]) -> tuple[dict[int, str], dict[int, str]]:
    students = {row.student_id for row in rows if row.student_id is not None}
    courses = {row.course_id for row in rows if row.course_id is not None}
    people = connection.execute(select(m.User.id, m.User.name).where(m.User.id.in_(students)))
    titles = connection.execute(select(m.Course.id, m.Course.title).where(m.Course.id.in_(courses)))
    return {row.id: row.name for row in people}, {row.id: row.title for row in titles}


def _finding(entity: str, row: Any, students: dict[int, str], courses: dict[int, str]) -> Finding:
    return Finding(
        entity=entity,
        id=row.row_id,
        student_id=row.student_id,
        student_name=students.get(row.student_id),
        course_id=row.course_id,
        course_title=courses.get(row.course_id),
        expected=row.expected,
        actual=row.actual,
        attention=row.attention,
    )
