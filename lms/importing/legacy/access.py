"""Who had access in the old school: the student-course pairs for which its rows are evidence."""

from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Index,
    Integer,
    ScalarSelect,
    String,
    Subquery,
    Table,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job, Verdicts
from lms.importing.legacy.people import users
from lms.importing.legacy.questions import ACCESS, about
from lms.importing.legacy.raw import metadata
from lms.importing.legacy.rules import change, comes_in, refuse, repair
from lms.importing.legacy.staging import batches, located, stored
from lms.importing.present import AT_ONCE, Pair, free_seats, pairs_present
from lms.models import AccessWaiver, AuditEntry, Enrollment

pairs = Table(
    "pairs",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("verdict", String),  # merged where the student is already enrolled here
    Column("reason", String, server_default=""),
    Column("enrollment_row", Integer),
    Column("progress_row", Integer),
    Column("request_row", Integer),
    Column("is_paid", Boolean, server_default="0"),
    Column("is_returned", Boolean, server_default="0"),  # a payment of it went back wholly
    Column("is_bought", Boolean, server_default="0"),  # by a payment that gives access here
    Column("figure", Integer, server_default="0"),  # the best usable figure
    Column("count", Integer, server_default="0"),  # of completed chapters, where that is said
    Column("share", Integer, server_default="0"),  # what the chapters give
    Column("old_progress", String),  # figures as they were written
    Column("old_total_progress", String),
    Column("ended", String, server_default=""),  # why there was no access any more
    Column("enrolled_at", UtcDateTime),  # by an enrollment
    Column("approved_at", UtcDateTime),
    Column("paid_at", UtcDateTime),
    Column("began_at", UtcDateTime),  # by a progress row
    Column("last_activity_at", UtcDateTime),
    Index("uq_pairs", "user_row", "course_row", unique=True),
    Index("ix_pairs_request", "request_row"),
    Index("ix_pairs_course", "course_row"),
    info={"refers_to": {"user": users, "course": courses}},
)


def same_pair(table: FromClause, other: FromClause = pairs) -> ColumnElement[bool]:
    """Return whether rows are about the same student and course."""
    return (other.c.user_row == table.c.user_row) & (other.c.course_row == table.c.course_row)


def of_pair(table: FromClause, column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return a column of the pair that a row is about."""
    return select(column).where(same_pair(table)).scalar_subquery()


def has_pair(table: FromClause, *where: Any) -> ColumnElement[bool]:
    """Return whether a row is about a pair of which this is true."""
    return exists().where(same_pair(table), *where)


def gather(job: Job, table: Table, *where: Any) -> None:
    """Collect the pairs for which these rows are evidence of access."""
    job.scratch.execute(
        insert(pairs)
        .prefix_with("OR IGNORE")
        .from_select(
            ["user_row", "course_row"],
            select(table.c.user_row, table.c.course_row)
            .where(table.c.verdict.is_(None), *where)
            .order_by(table.c.user_row, table.c.course_row),
        )
    )


def together(table: Table, *where: Any, **values: Any) -> Subquery:
    """Return values of all rows about each pair that come in, duplicates too."""
    pair = (table.c.user_row, table.c.course_row)
    return (
        select(*pair, *(value.label(name) for name, value in values.items()))
        .where(comes_in(table), *where)
        .group_by(*pair)
        .subquery()
    )


def describe(job: Job, found: Subquery, **values: Any) -> None:
    """Write into pairs what `together` found of them: all of it, but for what is given."""
    names = [column.name for column in found.c if column.name not in {"user_row", "course_row"}]
    of_found = {name: found.c[name] for name in names}
    job.scratch.execute(update(pairs).where(same_pair(found)).values(of_found | values))


_ENDED = (
    about(ACCESS, "no access in the earlier system: ")
    + pairs.c.ended
    + "; completed chapters are kept in case the student returns"
)


def decide(job: Job) -> None:
    """Enroll all pairs that no decision here contradicts: the portal's decisions are later.

    What had ended in the old school stays so, whatever else there speaks of access.
    """
    deleted = exists().where(courses.c.row == pairs.c.course_row, courses.c.is_deleted)
    change(job.scratch, pairs, pairs.c.ended == "", deleted, ended="the course was deleted")
    change(job.scratch, pairs, pairs.c.ended != "", verdict="refused", reason=_ENDED)
    change(
        job.scratch,
        pairs,
        pairs.c.enrolled_at.is_(None),
        enrolled_at=func.coalesce(pairs.c.approved_at, pairs.c.paid_at, pairs.c.began_at),
    )
    refuse(
        job.scratch,
        pairs,
        about(
            ACCESS,
            "its payment was refunded and nothing else gives access; completed chapters are kept",
        ),
        pairs.c.is_returned,
        ~pairs.c.is_paid,
        pairs.c.enrollment_row.is_(None),
        pairs.c.request_row.is_(None),
    )

    def by(found: set[Pair]) -> Verdicts:
        ended = ("refused", "this access was ended here, which is the later decision")
        enrolled = pairs_present(job.session, Enrollment.user_id, Enrollment.course_id, found)
        return dict.fromkeys(
            _ended_here(job, found) | job.known_pairs("enrollments", found), ended
        ) | dict.fromkeys(enrolled, ("merged", "the student is already enrolled here"))

    job.judge_pairs(pairs, by)
    _respect_capacity(job)


def _ended_here(job: Job, found: set[Pair]) -> set[Pair]:
    """Return which students have lost access to which courses here, by whatever reason."""
    waived = pairs_present(job.session, AccessWaiver.user_id, AccessWaiver.course_id, found)
    ended = job.session.execute(
        select(AuditEntry.student_id, AuditEntry.course_id).where(
            AuditEntry.action == "access.ended",
            AuditEntry.student_id.in_({student for student, _ in found}),
        )
    )
    return waived | (found & {(row[0], row[1]) for row in ended})


def _respect_capacity(job: Job) -> None:
    """Give an imported course as many seats as it had students; an existing one keeps its own."""
    coming = (
        select(func.count())
        .where(pairs.c.course_row == courses.c.row, pairs.c.verdict.is_(None))
        .correlate(courses)
        .scalar_subquery()
    )
    repair(
        job.scratch,
        courses,
        "more students than seats: they had access, so the capacity was raised to match",
        courses.c.row == courses.c.winner,
        courses.c.capacity.is_not(None),
        courses.c.capacity < coming,
        capacity=coming,
    )
    for rows in batches(job.scratch, courses, courses.c.target.is_not(None), size=AT_ONCE):
        free = free_seats(job.session, [row.target for row in rows])
        for row in rows:
            if row.target in free:
                _fill(job, row.row, free[row.target])


def _fill(job: Job, course_row: int, seats: int) -> None:
    mine = (pairs.c.course_row == course_row, pairs.c.verdict.is_(None))
    order = (pairs.c.enrolled_at.asc().nulls_last(), pairs.c.user_row)
    seated = select(pairs.c.row).where(*mine).order_by(*order).limit(seats)
    refuse(
        job.scratch,
        pairs,
        about(ACCESS, "the course is full: raise its capacity and import again"),
        *mine,
        pairs.c.row.not_in(seated),
    )


def write(job: Job) -> None:
    """Enroll the students; a purchase has its payment as only source, so that a refund ends it."""
    columns = (*located(pairs), literal("import"), literal(0), *past(job), pairs.c.is_bought)
    for rows in job.lines(pairs, *columns):
        intake.let_in(job.session, [row[:-1] for row in rows if not row[-1]])
        job.remember_pairs("enrollments", rows)


def past(job: Job) -> list[ColumnElement[Any]]:
    """Return columns of what the old school recorded for an imported pair, its figures verbatim.

    That is the rest of an arrival: since when, the last activity, and the figures as JSON.
    """
    told = reduce(
        add,
        (
            case(
                (column.is_not(None), literal(f', "{name}": ') + func.json_quote(column)), else_=""
            )
            for name, column in _FIGURES.items()
        ),
    )
    return [
        func.coalesce(pairs.c.enrolled_at, literal(stored(job.moment))),
        pairs.c.last_activity_at,
        told,
    ]


_FIGURES = {"progress": pairs.c.share} | {
    name: pairs.c[name] for name in ("old_progress", "old_total_progress")
}
