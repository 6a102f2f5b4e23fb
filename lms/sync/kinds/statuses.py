"""Statuses that differ in case or blanks from the known ones, or are unknown."""

from functools import partial
from typing import Any, get_args

from sqlalchemy import Select, func

from lms.db import now
from lms.ledger.changes import table_of
from lms.models import AccessRequest, Course, CourseStatus, Offer, OfferStatus, Payment
from lms.models.payment_status import STATUSES
from lms.sync.conditions import DECIDED, one_of
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step


def _not_normalized(model: Any, known: tuple[str, ...], otherwise: str) -> Select[Any]:
    expected = one_of(model.status, known, otherwise)
    return find(model, expected=expected, actual=model.status).where(
        model.status.is_distinct_from(expected)
    )


_WAYS_OUT: dict[Any, str] = {
    Course: "Set the correct status.",
    Payment: "Compare the payment with Stripe, then refund it or mark it as reviewed.",
    AccessRequest: "Approve or reject the request.",
    Offer: "If the student should still have the seat, enroll them.",
}


def _normalize(step: Step) -> None:
    for expected, ids in step.by_expected().items():
        table = table_of(step.model)
        step.rewrite(table.c.id.in_(ids), status=expected)
    for row in step.found:
        if row.actual.strip().lower() != row.expected:
            step.needs_attention(
                row,
                f"The status was “{row.actual[:80]}”, which is unknown. It is now"
                f" “{row.expected}”. {_WAYS_OUT[step.model]}",
            )


def _normalize_offers(step: Step) -> None:
    """Say when offers ended that turn out to be over: now, if nothing is known."""
    table = table_of(Offer)
    for expected, ids in step.by_expected().items():
        ended = None if expected == "open" else func.coalesce(table.c.ended_at, now())
        step.rewrite(table.c.id.in_(ids), ended_at=ended)
    _normalize(step)


KINDS = (
    Kind(
        "status_not_normalized",
        "Unrecognized statuses",
        "The status is stored in lower case without spaces. An unknown one becomes “draft” for a"
        " course, “needs_review” for a payment, “pending” for a request and “withdrawn” for an"
        " offer.",
        Phase.VALUES,
        (
            Check(
                Course,
                partial(_not_normalized, Course, get_args(CourseStatus), "draft"),
                _normalize,
            ),
            Check(
                Payment,
                partial(_not_normalized, Payment, tuple(STATUSES), "needs_review"),
                _normalize,
            ),
            Check(
                AccessRequest,
                partial(_not_normalized, AccessRequest, DECIDED, "pending"),
                _normalize,
                phase=Phase.REQUEST_STATUSES,
            ),
            Check(
                Offer,
                partial(_not_normalized, Offer, get_args(OfferStatus), "withdrawn"),
                _normalize_offers,
                phase=Phase.SEATS,
            ),
        ),
    ),
)
