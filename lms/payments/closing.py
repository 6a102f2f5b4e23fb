"""Closing checkouts that should no longer be paid.

Nothing has to be remembered for it: which ones they are follows from the rows, so whichever worker
comes next after a failure or a kill closes what is still open. Stripe closes each once.
"""

import logging
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, or_, select

from lms.db import db
from lms.ledger.seats import free_seats
from lms.models import (
    VISIBLE_STATUSES,
    Course,
    Enrollment,
    Offer,
    Payment,
    User,
    holds_seat,
    may_learn,
)
from lms.payments.gateway import Gateway
from lms.payments.inbox import observe, one_line
from lms.refusals import PaymentsUnavailable

_AT_ONCE = 100
_log = logging.getLogger(__name__)


def is_pointless() -> ColumnElement[bool]:
    """Return whether a payment should no longer be made.

    The sale has ended; or the student has access already, or can't have it: the account or the
    course is gone, locked or no longer sold, or all seats are taken.
    """
    is_offered = exists().where(
        Offer.student_id == Payment.user_id, Offer.course_id == Payment.course_id, holds_seat()
    )
    return or_(
        Payment.sale_ended_at.is_not(None),
        exists().where(
            Enrollment.user_id == Payment.user_id, Enrollment.course_id == Payment.course_id
        ),
        ~exists().where(User.id == Payment.user_id, may_learn(), User.is_active),
        ~exists().where(
            Course.id == Payment.course_id,
            Course.status.in_(VISIBLE_STATUSES),
            Course.price_cents > 0,
            or_(free_seats().is_(None), free_seats() > 0, is_offered),
        ),
    )


def close_checkouts(gateway: Gateway) -> int:
    """Close the open checkouts that nobody should pay, and return how many were closed.

    One that was paid meanwhile is settled instead, and its money reviewed.
    """
    closed = 0
    for row in _pointless():
        try:
            closed += observe(gateway.without_retries.expire_checkout(row.stripe_session_id))
        except PaymentsUnavailable:
            break  # the next round tries again
        except Exception as error:  # noqa: BLE001 - one that can't be closed keeps no other open
            _log.warning("payment %d's checkout wasn't closed: %s", row.id, one_line(error))
    return closed


def _pointless() -> list[Row[Any]]:
    open_ones = (Payment.status == "pending", Payment.stripe_session_id.is_not(None))
    rows: list[Row[Any]] = list(
        db.session.execute(
            select(Payment.id, Payment.stripe_session_id)
            .where(*open_ones, is_pointless())
            .order_by(Payment.id)
            .limit(_AT_ONCE)
        )
    )
    db.session.rollback()  # the verbs that follow must not wait behind this snapshot
    return rows
