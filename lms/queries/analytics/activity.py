"""What happened over time: enrollments, completions, requests and money."""

from datetime import date

from lms.queries.analytics.period import Period
from lms.queries.read_model import read_model
from lms.queries.sums import Sums, daily


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
    points: tuple[RevenuePoint, ...]


def sums(period: Period, course_id: int | None) -> Sums:
    """Return all that was counted in the period, in one statement."""
    return daily(_SERIES, _TOTALS, period.starts_on, period.ends_on, course_id)


def points(period: Period, counted: Sums) -> tuple[Point, ...]:
    """Return what happened in each step of the period."""
    series = [
        period.points(counted.get((name, ""), {}))
        for name in ("enrolled", "completed", "requested")
    ]
    return tuple(
        Point(starts_on=start, enrollments=enrolled, completions=completed, requests=requests)
        for (start, enrolled), (_, completed), (_, requests) in zip(*series, strict=True)
    )


def revenue(period: Period, counted: Sums) -> list[Revenue]:
    """Return what was paid in the period, by currency; money is never added across them."""
    currencies = sorted(currency for name, currency in counted if name == "payments")
    return [_revenue(period, counted, currency) for currency in currencies]


_SERIES = ("enrolled", "completed", "requested", "paid")
_TOTALS = (
    *("approved", "rejected", "admitted", "admitted_started", "admitted_completed"),
    *("payments", "refunded"),
)


def _revenue(period: Period, counted: Sums, currency: str) -> Revenue:
    payments, paid, refunded = (
        counted.get((name, currency), {}) for name in ("payments", "paid", "refunded")
    )
    return Revenue(
        currency=currency,
        payments=sum(payments.values()),
        paid_cents=sum(paid.values()),
        refunded_cents=sum(refunded.values()),
        points=tuple(
            RevenuePoint(starts_on=start, paid_cents=cents) for start, cents in period.points(paid)
        ),
    )
