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
    """What was paid in the period in one currency, and how much of it was returned since."""

    currency: str
    payments: int
    gross_cents: int
    """At the prices agreed: before discounts, and before tax that is not in them."""
    discount_cents: int
    tax_cents: int
    """In what was paid."""
    paid_cents: int
    refunded_cents: int
    lost_cents: int
    """To banks, in disputes."""
    net_cents: int
    """Paid, less what was refunded or lost."""
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


_PAID = "paid"
_SERIES = ("enrolled", "completed", "requested", _PAID)
_AMOUNTS = ("payments", "gross", "discounts", "tax", "refunded", "lost")
_MONEY = (_PAID, *_AMOUNTS)
_TOTALS = (
    *("approved", "rejected", "admitted", "admitted_started", "admitted_completed"),
    *_AMOUNTS,
)


def _revenue(period: Period, counted: Sums, currency: str) -> Revenue:
    paid = counted.get((_PAID, currency), {})
    totals = {name: sum(counted.get((name, currency), {}).values()) for name in _MONEY}
    return Revenue(
        currency=currency,
        payments=totals["payments"],
        gross_cents=totals["gross"],
        discount_cents=totals["discounts"],
        tax_cents=totals["tax"],
        paid_cents=totals["paid"],
        refunded_cents=totals["refunded"],
        lost_cents=totals["lost"],
        net_cents=totals["paid"] - totals["refunded"] - totals["lost"],
        points=tuple(
            RevenuePoint(starts_on=start, paid_cents=cents) for start, cents in period.points(paid)
        ),
    )
