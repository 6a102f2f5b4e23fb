"""The inbox: every Stripe event is applied once, or kept as failed until it is."""

from dataclasses import replace
from typing import Literal

from sqlalchemy import Executable, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.fact_rows import lock_facts, merge, payment_of_intent
from lms.ledger.facts import DisputeFact, Fact, RefundFact
from lms.ledger.settling import settle
from lms.live import touch
from lms.models import StripeEvent
from lms.payments.events import Event, read_event
from lms.payments.gateway import Gateway, Missing
from lms.refusals import NotFound
from lms.transaction import transactional
from lms.upsert import insert

Outcome = Literal["done", "duplicate", "ignored"]


def receive(event: Event, gateway: Gateway | None) -> Outcome:
    """Apply an event once: inbox row, facts, status and access in one transaction.

    On failure nothing of that remains but a failed inbox row, and the error goes on to the caller:
    Stripe then delivers again. The gateway says which livemode is the portal's own, and what the
    event leaves out: if the event is about refunds and brings none, its failure is the delivery's.
    """
    livemode = gateway.livemode if gateway else None
    try:
        return _receive(_completed(event, gateway), livemode)
    except Exception as error:
        _remember_failure(event, one_line(error))
        raise


def replay(inbox_id: int, gateway: Gateway | None = None) -> Outcome:
    """Apply an event of the inbox again, whatever its outcome was before."""
    event = _kept_event(inbox_id)
    try:
        return _replay(_completed(event, gateway))
    except Exception as error:
        _remember_failure(event, one_line(error))
        raise


def _completed(event: Event, gateway: Gateway | None) -> Event:
    """Ask Stripe for what an event leaves out, before any lock is taken."""
    if gateway is None or event.livemode not in {None, gateway.livemode}:
        return event
    asked = gateway.without_retries
    if event.fact is not None:
        return replace(event, fact=asked.completed(event.fact))
    if event.payment_intent is None:
        return event
    try:
        return replace(event, found=tuple(asked.refunds_of(event.payment_intent)))
    except Missing:  # another account's
        return event


@transactional
def observe(session: Session, fact: Fact) -> bool:
    """Merge a fact that was fetched, not delivered; True if that changed a payment."""
    lock_facts(session)
    payment_id = merge(session, fact)
    return payment_id is not None and settle(session, payment_id)


def one_line(error: Exception) -> str:
    """Return what went wrong without the values that were on their way to the database."""
    cause = getattr(error, "orig", None) or error
    first_line = str(cause).partition("\n")[0]
    return f"{type(cause).__name__}: {first_line}"[:300]


@transactional
def _receive(session: Session, event: Event, livemode: bool | None) -> Outcome:
    lock_facts(session)
    row_id = session.scalar(_inbox_row(session, event, status="done"))
    if row_id is None:
        return "duplicate"
    is_foreign = livemode is not None and event.livemode is not None and event.livemode != livemode
    if is_foreign:
        return _finish(session, row_id, "ignored", None)
    return _apply(session, event, row_id)


@transactional
def _replay(session: Session, event: Event) -> Outcome:
    lock_facts(session)
    row = session.scalars(select(StripeEvent).where(StripeEvent.event_id == event.id)).one()
    row.attempts += 1
    row.received_at = now()
    return _apply(session, event, row.id)


def _apply(session: Session, event: Event, row_id: int) -> Outcome:
    if not event.is_handled:
        return _finish(session, row_id, "ignored", None)
    payment_id = payment_of_intent(session, event.payment_intent)
    for fact in event.facts:
        payment_id = merge(session, fact)
    if payment_id is not None and event.facts:
        settle(session, payment_id)
    # A refund or dispute waits, as a fact, for its session; a session without a payment is foreign.
    is_ours = payment_id is not None or isinstance(event.fact, RefundFact | DisputeFact)
    return _finish(session, row_id, "done" if is_ours else "ignored", payment_id)


def _finish(session: Session, row_id: int, status: Outcome, payment_id: int | None) -> Outcome:
    row = session.get_one(StripeEvent, row_id)
    row.status, row.payment_id, row.error = status, payment_id, ""
    touch(session, "payments")
    session.flush()
    return status


@transactional
def _remember_failure(session: Session, event: Event, error: str) -> None:
    row_id = session.scalar(_inbox_row(session, event, status="failed"))
    if row_id is not None:  # None: another delivery of the same event has succeeded meanwhile
        session.get_one(StripeEvent, row_id).error = error
        touch(session, "payments")


def _inbox_row(session: Session, event: Event, *, status: str) -> Executable:
    """Return the INSERT that gives a row's id unless the event has been dealt with already.

    Only a failed row is taken over; whoever comes second waits here for the first one's commit.
    """
    statement = insert(StripeEvent).values(
        event_id=event.id,
        type=event.type,
        livemode=bool(event.livemode),
        told_at=event.told_at,
        received_at=now(),
        status=status,
        payload=event.payload,
    )
    taking_over: Executable = statement.on_conflict_do_update(
        index_elements=["event_id"],
        set_={
            "status": status,
            "attempts": StripeEvent.attempts + 1,
            "received_at": statement.excluded.received_at,
            "payload": statement.excluded.payload,
        },
        where=StripeEvent.status == "failed",
    ).returning(StripeEvent.id)
    return taking_over


@transactional
def _kept_event(session: Session, inbox_id: int) -> Event:
    payload = session.scalar(select(StripeEvent.payload).where(StripeEvent.id == inbox_id))
    if payload is None:
        raise NotFound
    return read_event(payload)
