"""What daily and current counts should be, by the rows themselves.

Each part is a SELECT of course, name, detail, day and number. The course is NULL for what only the
school counts.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    SQLColumnExpression,
    String,
    and_,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from lms.ledger.days import school_day
from lms.ledger.elapsed import seconds_between
from lms.models import (
    AccessRequest,
    CurrentCount,
    DailyCount,
    Decision,
    DecisionReversal,
    Enrollment,
    Payment,
    StudentProgress,
    User,
    has_started,
    is_pending,
    stands,
)

Counts = type[DailyCount] | type[CurrentCount]
Column = SQLColumnExpression[Any]

WAIT_STEPS = (3_600, 1)
"""In seconds: waits are counted by hours, and those of each hour by seconds."""


def keys(model: Counts) -> list[InstrumentedAttribute[Any]]:
    """Return what a sum is of; beside these, the primary key has the shard."""
    day = [model.day] if model is DailyCount else []
    return [model.course_id, model.name, *day, model.detail]


def truth(model: Counts) -> CompoundSelect[Any]:
    """Select what the rows add up to, by course; of no day where a time is none."""
    return union_all(*(_daily() if model is DailyCount else _current()))


def made_again() -> Select[Any]:
    """Select the decisions that were undone and whose request waits in the queue again."""
    return select(DecisionReversal.decision_id).where(DecisionReversal.request_id.is_not(None))


def _daily() -> list[Select[Any]]:
    course, asked, decided = Decision.course_id, Decision.requested_at, Decision.decided_at
    unfinished = StudentProgress.total_progress < 100
    admitted = (stands(), Decision.status == "approved")
    learns = and_(
        StudentProgress.student_id == Decision.student_id, StudentProgress.course_id == course
    )
    enrolled = and_(Enrollment.user_id == Decision.student_id, Enrollment.course_id == course)
    return [
        _part("enrolled", Enrollment.course_id, Enrollment.enrolled_at),
        _part("completed", Enrollment.course_id, Enrollment.completed_at),
        _part("not_begun", null(), Enrollment.enrolled_at, Enrollment.progress == 0),
        _part("active", null(), StudentProgress.last_activity_at, unfinished),
        _part("requested", AccessRequest.course_id, AccessRequest.created_at, is_pending()),
        _part("requested", course, asked, Decision.id.not_in(made_again())),
        _part(Decision.status, course, decided, stands()),
        *_waits(),
        _part("admitted", course, asked, *admitted),
        _part("admitted_started", course, asked, *admitted, learns, has_started()),
        _part("admitted_completed", course, asked, *admitted, enrolled, Enrollment.progress == 100),
        *(
            _part(name, Payment.course_id, Payment.paid_at, value=value, detail=Payment.currency)
            for name, value in (
                ("payments", None),
                ("paid", Payment.amount_cents),
                ("refunded", Payment.refunded_cents),
                ("gross", func.coalesce(Payment.subtotal_cents, Payment.amount_cents)),
                ("discounts", Payment.discount_cents),
                ("tax", Payment.tax_cents),
                ("lost", Payment.lost_cents),
            )
        ),
    ]


def _waits() -> Iterator[Select[Any]]:
    seconds = seconds_between(Decision.requested_at, Decision.decided_at)
    waits = select(Decision.decided_at, seconds.label("seconds")).where(stands()).cte("waits")
    above: Column = literal("waited", String)
    for unit in WAIT_STEPS:
        step = cast(waits.c.seconds - waits.c.seconds % unit, String)
        yield _part(above, null(), waits.c.decided_at, detail=step)
        above = above + " " + step


def _current() -> list[Select[Any]]:
    course, nowhere = Enrollment.course_id, null()
    return [
        _part("enrolled", course),
        _part("completed", course, None, Enrollment.progress == 100),
        _part("progress", course, value=Enrollment.progress),
        _part("started", StudentProgress.course_id, None, has_started()),
        _part("waiting", AccessRequest.course_id, None, is_pending()),
        _part("decided", nowhere, detail=Decision.status),
        _part("people", nowhere, detail=User.role),
        _part("payments", nowhere, detail=Payment.status),
    ]


def _part(
    name: Column | str,
    course: Any,
    moment: Column | None = None,
    *conditions: ColumnElement[bool],
    value: Column | None = None,
    detail: Column | str = "",
) -> Select[Any]:
    rows = select(
        cast(course, Integer).label("course_id"),
        (literal(name, String) if isinstance(name, str) else name).label("name"),
        *([] if moment is None else [school_day(moment).label("day")]),
        (literal(detail, String) if isinstance(detail, str) else detail).label("detail"),
        cast(literal(1) if value is None else value, BigInteger).label("value"),
    ).where(*conditions, *([] if moment is None else [moment.is_not(None)]))
    # By the columns of a subquery: PostgreSQL takes no two parameters for the same expression.
    row = rows.subquery().c
    groups = [column for column in row if column.name != "value"]
    return (
        select(*groups, func.sum(row.value).label("number"))
        .where(*(group.is_not(None) for group in groups[1:] if group.name != "day"))
        .group_by(*groups)
    )
