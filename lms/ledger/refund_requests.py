"""The table of refunds requested here: each is recorded once, and later its outcome."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session, aliased

from lms.db import now
from lms.ledger.facts import RefundFact
from lms.live import touch
from lms.models import Payment, RefundRequest
from lms.upsert import insert


def request_of(session: Session, key: str) -> RefundRequest | None:
    """Return the refund that has this id, whatever its outcome."""
    return session.scalar(
        select(RefundRequest)
        .where(RefundRequest.key == key)
        .execution_options(populate_existing=True)
    )


def requests_of(session: Session, payment_id: int) -> Sequence[RefundRequest]:
    """Return the refunds requested of a payment, the oldest first."""
    return session.scalars(
        select(RefundRequest)
        .where(RefundRequest.payment_id == payment_id)
        .order_by(RefundRequest.id)
        .execution_options(populate_existing=True)
    ).all()


def unanswered(requests: Sequence[RefundRequest]) -> list[int]:
    """Return the amounts of those of which Stripe has said nothing yet: they may be on the way."""
    return [each.amount_cents for each in requests if each.status == "requested"]


def write_down(
    session: Session, payment_id: int, *, key: str, asked_cents: int | None, amount_cents: int
) -> RefundRequest | None:
    """Record a refund before requesting it from Stripe; None if its id is in use."""
    row_id = session.scalar(
        insert(RefundRequest)
        .values(
            key=key,
            payment_id=payment_id,
            asked_cents=asked_cents,
            amount_cents=amount_cents,
            created_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(RefundRequest.id)
    )
    return None if row_id is None else session.get_one(RefundRequest, row_id)


def note_answer(session: Session, fact: RefundFact) -> None:
    """Note that Stripe has made the refund that a request of ours asked for."""
    if fact.request is None:
        return
    ours = select(Payment.id).where(Payment.stripe_payment_intent_id == fact.payment_intent)
    _note(
        *(session, RefundRequest.key == fact.request, RefundRequest.payment_id.in_(ours)),
        *(RefundRequest.status != "taken", ~_is_taken(fact.id)),
        status="taken",
        stripe_refund_id=fact.id,
        refusal="",
    )


def note_refusal(session: Session, request_id: int, why: str) -> bool:
    """Note that Stripe refuses a refund; False if its outcome is already known."""
    asked = (RefundRequest.id == request_id, RefundRequest.status == "requested")
    return _note(session, *asked, status="refused", refusal=why)


def _is_taken(refund_id: str) -> ColumnElement[bool]:
    other = aliased(RefundRequest)
    return exists().where(other.stripe_refund_id == refund_id)


def _note(session: Session, *chosen: ColumnElement[bool], **values: str) -> bool:
    noted = session.scalars(
        update(RefundRequest)
        .where(*chosen)
        .values(**values)
        .returning(RefundRequest.id)
        .execution_options(synchronize_session=False)
    ).all()
    if noted:
        touch(session, "payments")
    return bool(noted)
