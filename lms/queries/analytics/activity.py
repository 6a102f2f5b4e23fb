"""What happened over time: enrollments, completions, requests and money."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, Subquery, func, select, union_all

from lms.db import db
from lms.models import AccessRequest, Decision, DecisionReversal, Enrollment, Payment
from lms.queries.analytics.period import Period
from lms.queries.read_model import read_model


@read_model
class Point:
    """What happened in one step of the period."""

    starts_on: date
    enrollments: int
    completions: int
    requests: int


@read_model
class RevenuePoint:
    """What was paid in one step of the period, in minor units."""

    starts_on: date
    paid_cents: int


@read_model
class Revenue:
    """What was paid in the period in one currency, and how much has been refunded since."""

    currency: str
    payments: int
    paid_cents: int
    refunded_cents: int
    points: list[RevenuePoint]


def points(period: Period, course_id: int | None) -> list[Point]:
    """Return what happened in each step of the period."""
    asked = requests_made()
    of_course = [] if course_id is None else [Enrollment.course_id == course_id]
    counted = [
        period.points(_daily(period, column, conditions))
        for column, conditions in (
            (Enrollment.enrolled_at, of_course),
            (Enrollment.completed_at, of_course),
            (asked.c.at, [] if course_id is None else [asked.c.course_id == course_id]),
        )
    ]
    return [
        Point(starts_on=start, enrollments=enrolled, completions=completed, requests=requests)
        for (start, enrolled), (_, completed), (_, requests) in zip(*counted, strict=True)
    ]


def revenue(period: Period, course_id: int | None) -> list[Revenue]:
    """Return what was paid in the period, by currency; money is never added across them."""
    day = func.date(Payment.paid_at)
    paid = (
        select(
            Payment.currency,
            day.label("day"),
            func.count().label("payments"),
            func.sum(Payment.amount_cents).label("paid"),
            func.sum(Payment.refunded_cents).label("refunded"),
        )
        .where(period.covers(Payment.paid_at))
        .group_by(Payment.currency, day)
    )
    if course_id is not None:
        paid = paid.where(Payment.course_id == course_id)
    by_currency: dict[str, list[Any]] = {}
    for row in db.session.execute(paid):
        by_currency.setdefault(row.currency, []).append(row)
    return [_revenue(period, currency, rows) for currency, rows in sorted(by_currency.items())]


def requests_made() -> Subquery:
    """Select when and for which course a request was made, those decided since included."""
    waits_again = select(DecisionReversal.decision_id).where(
        DecisionReversal.request_id.is_not(None)
    )
    return union_all(
        select(AccessRequest.created_at.label("at"), AccessRequest.course_id).where(
            AccessRequest.status == "pending"
        ),
        select(Decision.requested_at, Decision.course_id).where(Decision.id.not_in(waits_again)),
    ).subquery()


def _daily(
    period: Period, moment: SQLColumnExpression[Any], conditions: list[ColumnElement[bool]]
) -> dict[date, int]:
    day = func.date(moment)
    rows = db.session.execute(
        select(day, func.count()).where(period.covers(moment), *conditions).group_by(day)
    )
    return {_date(value): number for value, number in rows if value is not None}


def _revenue(period: Period, currency: str, rows: list[Any]) -> Revenue:
    by_day = {_date(row.day): int(row.paid) for row in rows if row.day is not None}
    return Revenue(
        currency=currency,
        payments=sum(row.payments for row in rows),
        paid_cents=sum(by_day.values()),
        refunded_cents=int(sum(row.refunded for row in rows)),
        points=[
            RevenuePoint(starts_on=start, paid_cents=cents)
            for start, cents in period.points(by_day)
        ],
    )


def _date(value: object) -> date:
    # SQLite has no type for days: it answers text.
    return date.fromisoformat(str(value))
