"""What a row adds to the sums: `r` is the row, in a table, a trigger or a set of changed rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DAILY, CURRENT = "daily_counts", "current_counts"


@dataclass(frozen=True)
class Count:
    """One thing that rows of a table are counted as, in SQL."""

    name: str
    day: str | None = None
    """The time on whose day it counts; None where it counts for as long as the row is there."""
    where: str = "1 = 1"
    value: str = "1"
    detail: str = "''"
    course: str = "r.course_id"
    """NULL for what only the school counts."""
    beside: str | None = None
    """Other tables, where rows of theirs are counted, or decide."""
    joined: str = "1 = 1"
    """Which of their rows."""
    is_filled: bool = True
    """Whether an existing row is counted by this; not if the other table's rows count the same."""

    @property
    def sums(self) -> str:
        """The table that has it."""
        return DAILY if self.day else CURRENT


@dataclass(frozen=True)
class Counted:
    """A table whose rows are counted, and the columns that a change of the counts starts from."""

    counts: tuple[Count, ...]
    columns: tuple[str, ...] = ()
    """None where rows are kept for good."""
    changes_often: bool = False
    """Whether rows are mostly changed in other columns."""


def counted(dialect: str) -> dict[str, Counted]:
    """Return the tables whose rows are counted, in the dialect's SQL."""
    seconds = _SECONDS[dialect]
    return {
        "users": Counted(
            (Count("'people'", detail="r.role", course="NULL"),), ("role",), changes_often=True
        ),
        "enrollments": Counted(
            (
                Count("'enrolled'", "r.enrolled_at"),
                Count("'completed'", "r.completed_at"),
                Count("'not_begun'", "r.enrolled_at", "r.progress = 0", course="NULL"),
                _of_decisions("'admitted_completed'", "r.progress = 100", "r.user_id"),
                Count("'enrolled'"),
                Count("'completed'", where="r.progress = 100"),
                Count("'progress'", value="CAST(r.progress AS bigint)"),
            ),
            ("user_id", "course_id", "progress", "enrolled_at", "completed_at"),
        ),
        "student_progress": Counted(
            (
                Count("'active'", "r.last_activity_at", "r.total_progress < 100", course="NULL"),
                _of_decisions("'admitted_started'", _STARTED.format("r"), "r.student_id"),
                Count("'started'", where=_STARTED.format("r")),
            ),
            ("student_id", "course_id", "total_progress", "last_activity_at"),
        ),
        "access_requests": Counted(
            (
                Count("'requested'", "r.created_at", "r.status = 'pending'"),
                Count("'waiting'", where="r.status = 'pending'"),
            ),
            ("course_id", "status", "created_at"),
        ),
        "decisions": Counted(
            (
                Count("'decided'", detail="r.status", course="NULL"),
                Count("'requested'", "r.requested_at"),
                *_outcomes("r", seconds),
            )
        ),
        "decision_reversals": Counted(
            (
                Count(
                    *("'requested'", "d.requested_at", "r.request_id IS NOT NULL", "-1"),
                    course="d.course_id",
                    beside="decisions d",
                    joined="d.id = r.decision_id",
                ),
                *_outcomes("d", seconds, "-1", "decisions d", "d.id = r.decision_id"),
            )
        ),
        "payments": Counted(
            (
                Count("'payments'", detail="r.status", course="NULL"),
                *(
                    Count(f"'{name}'", "r.paid_at", value=value, detail="r.currency")
                    for name, value in (
                        ("payments", "1"),
                        ("paid", "CAST(r.amount_cents AS bigint)"),
                        ("refunded", "CAST(r.refunded_cents AS bigint)"),
                    )
                ),
            ),
            ("course_id", "status", "currency", "paid_at", "amount_cents", "refunded_cents"),
        ),
    }


def price_parts() -> dict[str, Counted]:
    """Return what payments are counted as since 0033, in the SQL of either dialect."""
    amounts = {
        "gross": "COALESCE(r.subtotal_cents, r.amount_cents)",
        "discounts": "r.discount_cents",
        "tax": "r.tax_cents",
        "lost": "r.lost_cents",
    }
    counts = tuple(
        Count(f"'{name}'", "r.paid_at", value=f"CAST({value} AS bigint)", detail="r.currency")
        for name, value in amounts.items()
    )
    parts = ("subtotal_cents", "discount_cents", "tax_cents", "lost_cents")
    return {
        "payments": Counted(counts, ("course_id", "currency", "paid_at", "amount_cents", *parts))
    }


def _of_decisions(name: str, where: str, student: str) -> Count:
    """Return what a student's row is counted as for each approval that stands."""
    return Count(
        *(name, "d.requested_at", where),
        beside="decisions d",
        joined=f"d.student_id = {student} AND d.course_id = r.course_id AND d.status = 'approved'"
        " AND NOT EXISTS (SELECT 1 FROM decision_reversals v WHERE v.decision_id = d.id)",
        is_filled=False,
    )


def _outcomes(
    of: str, seconds: str, value: str = "1", beside: str | None = None, joined: str = "1 = 1"
) -> Iterator[Count]:
    """Return what a decision counts as while it stands; a reversal takes it away again."""
    course, decided, asked = f"{of}.course_id", f"{of}.decided_at", f"{of}.requested_at"
    common: dict[str, Any] = {"value": value, "course": course}
    waits: dict[str, Any] = {**common, "course": "NULL", "beside": beside, "joined": joined}
    yield Count(f"{of}.status", decided, **common, beside=beside, joined=joined)
    wait, above = seconds.format(of), "''"
    for unit in _STEPS:
        step = f"CAST({wait} - {wait} % {unit} AS text)"
        yield Count(f"'waited' || {above}", decided, detail=step, **waits)
        above = f"{above} || ' ' || {step}"
    admitted = f"{joined} AND {of}.status = 'approved'"
    yield Count("'admitted'", asked, **common, beside=beside, joined=admitted)
    for name, table, student, condition in (
        ("'admitted_started'", "student_progress p", "p.student_id", _STARTED.format("p")),
        ("'admitted_completed'", "enrollments p", "p.user_id", "p.progress = 100"),
    ):
        pair = f"{student} = {of}.student_id AND p.course_id = {course}"
        yield Count(
            *(name, asked),
            **common,
            beside=f"{beside}, {table}" if beside else table,
            joined=f"{admitted} AND {pair} AND {condition}",
        )


_STEPS = (3_600, 1)
"""Waits are counted by hours, and those of each hour by seconds.

So the middle one of any number of waits is found in a few rows.
"""
_STARTED = "({0}.total_progress > 0 OR {0}.last_activity_at IS NOT NULL)"
_SECONDS = {
    # Julian days are not exact: two that are an hour apart may be 3,599.99999 seconds apart.
    "sqlite": "max(0, strftime('%s', substr({0}.decided_at, 1, 19))"
    " - strftime('%s', substr({0}.requested_at, 1, 19))"
    " - (rtrim(substr({0}.decided_at, 20), '.0') < rtrim(substr({0}.requested_at, 20), '.0')))",
    # The difference to an infinite time is an error.
    "postgresql": "(CASE WHEN isfinite({0}.decided_at) AND isfinite({0}.requested_at)"
    " THEN greatest(0, trunc(extract(epoch FROM {0}.decided_at - {0}.requested_at)))::bigint END)",
}
