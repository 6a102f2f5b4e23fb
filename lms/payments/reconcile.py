"""Asking Stripe for what its webhook did not deliver."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Row, exists, false, or_, select
from sqlalchemy.orm import Session

from lms.db import db, now
from lms.ledger.behind import is_behind
from lms.ledger.facts import DisputeFact, Fact, RefundFact, SessionFact
from lms.live import touch
from lms.models import (
    Payment,
    RefundRequest,
    StripeCursor,
    StripeDispute,
    StripeEvent,
    StripeRefund,
    StripeSession,
)
from lms.models.payment_status import AWAITED
from lms.models.payments import STRIPE, UNFINISHED_REFUNDS
from lms.payments.checkout import give_up
from lms.payments.chunks import Listing, chunks, listed_facts, read_rows
from lms.payments.closing import is_pointless
from lms.payments.events import Event
from lms.payments.fees import OVERLAP, fetch_transactions, first_payment
from lms.payments.gateway import Gateway, Missing
from lms.payments.inbox import observe, one_line, receive, replay
from lms.payments.refunds import continue_refund
from lms.payments.settlement import settle_payment
from lms.refusals import PaymentsUnavailable
from lms.transaction import transactional
from lms.upsert import insert

LONGEST = timedelta(days=29)
"""Stripe forgets events after 30 days; its other lists go back as far as is asked."""
_INVOICED_WITHIN = timedelta(days=1)
"""Stripe makes an invoice once the money is there; until then its session names none."""
_FINISHED_DISPUTES = ("warning_closed", "won", "lost", "prevented")

Model = type[StripeRefund] | type[StripeDispute]
Told = TypeVar("Told", RefundFact, DisputeFact)
P = ParamSpec("P")
Progress = Callable[[int, int], None]
"""Takes how much is done, of how much."""


@dataclass
class Report:
    """What a reconciliation found and did."""

    since: datetime
    until: datetime
    events: int = 0
    sessions: int = 0
    refunds: int = 0
    disputes: int = 0
    transactions: int = 0
    changed: int = 0
    """Events applied and payments changed; 0 when nothing had been missed."""
    failures: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether everything was fetched and applied."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """Return the report for JSON and for the record."""
        return {
            "since": _iso(self.since),
            "until": _iso(self.until),
            "events": self.events,
            "sessions": self.sessions,
            "refunds": self.refunds,
            "disputes": self.disputes,
            "transactions": self.transactions,
            "changed": self.changed,
            "failures": self.failures,
            "isComplete": self.is_complete,
        }


def reconcile(gateway: Gateway | None, *, progress: Progress = lambda _done, _of: None) -> Report:
    """Fetch from Stripe what was missed and apply it; a second run changes nothing.

    One failure stops nothing else, but the next run then begins where this one did.
    """
    if gateway is None:
        raise PaymentsUnavailable("Payments are not configured: set STRIPE_SECRET_KEY.")
    until = now()
    report = Report(since=_since(until), until=until)
    for number, (name, step) in enumerate(STEPS.items()):
        progress(number, len(STEPS))
        try:
            step(gateway, report)
        except PaymentsUnavailable as error:
            report.failures.append(f"{name} weren't checked. {error.detail}")
            break  # the other steps would wait for Stripe's time-outs one after the other
        except Exception as error:  # noqa: BLE001 - reported, and stops no other step
            _failed(report, name, error)
    _finish(report)
    return report


def _replay_failed(_gateway: Gateway, report: Report) -> None:
    failed = select(StripeEvent.id, StripeEvent.event_id).where(StripeEvent.status == "failed")
    for rows in chunks(failed, StripeEvent.id):
        for row in rows:
            _try(report, row.event_id, _replay, row.id)


def _replay_events(gateway: Gateway, report: Report) -> None:
    for page in gateway.events(since=max(report.since, report.until - LONGEST)):
        report.events += len(page)
        known = select(StripeEvent.event_id).where(
            StripeEvent.event_id.in_([event.id for event in page]), StripeEvent.status != "failed"
        )
        dealt_with = {row.event_id for row in read_rows(known)}
        for event in reversed(page):
            if event.id not in dealt_with:
                _try(report, event.id, _receive, event, gateway)


def _ask_for_sessions(gateway: Gateway, report: Report) -> None:
    """Check every open checkout; expire those that no longer need to be paid."""
    awaited = (
        select(
            Payment.id,
            Payment.created_at,
            Payment.stripe_session_id,
            Payment.session_expires_at,
            is_pointless().label("is_pointless"),
        )
        .where(Payment.status.in_(AWAITED), Payment.reference.is_not(None))
        .where(Payment.method == STRIPE)
    )
    for rows in chunks(awaited, Payment.id):
        report.sessions += len(rows)
        opened = {row.stripe_session_id: row.created_at for row in rows if row.stripe_session_id}
        listed = listed_facts(opened, gateway.sessions)
        for row in rows:
            fact = listed.get(row.stripe_session_id)
            _try(report, f"payment {row.id}", _look_at, gateway, row, fact)


def _look_at(gateway: Gateway, row: Row[Any], fact: SessionFact | None) -> bool:
    if row.stripe_session_id is None:
        if row.session_expires_at is not None and row.session_expires_at > now():
            return False
        return give_up(row.id)
    fact = fact or gateway.standing(row.stripe_session_id)
    if fact.state == "open":
        if not row.is_pointless:
            return False
        fact = gateway.expire_checkout(row.stripe_session_id)
    return observe(gateway.completed(fact))


def _ask_for_invoices(gateway: Gateway, report: Report) -> None:
    """Fetch the numbers of invoices that Stripe has made after it told of the money."""
    told = exists().where(
        StripeSession.payment_id == Payment.id, StripeSession.invoice.is_not(None)
    )
    is_recent = Payment.paid_at > report.until - _INVOICED_WITHIN
    may_have_one = or_(told, is_recent if gateway.makes_invoices else false())
    lacking = select(Payment.id, Payment.created_at, Payment.stripe_session_id).where(
        *(Payment.paid_at > report.until - LONGEST, Payment.stripe_session_id.is_not(None)),
        *(Payment.invoice_number.is_(None), may_have_one),
    )
    for rows in chunks(lacking, Payment.id):
        made = {row.stripe_session_id: row.created_at for row in rows}
        listed = listed_facts(made, gateway.sessions) if gateway.makes_invoices else {}
        for row in rows:
            session_id = row.stripe_session_id
            fact = listed.get(session_id)
            _try(report, f"payment {row.id}", _look_for_invoice, gateway, session_id, fact)


def _look_for_invoice(gateway: Gateway, session_id: str, fact: SessionFact | None) -> bool:
    return observe(fact or gateway.standing(session_id))


def _ask_for_refunds(gateway: Gateway, report: Report) -> None:
    is_unfinished = StripeRefund.status.in_(UNFINISHED_REFUNDS)
    report.refunds += _observe_listed(report, StripeRefund, gateway, gateway.refunds)
    report.refunds += _observe_older(
        *(report, StripeRefund, is_unfinished, gateway, gateway.refunds), ask=gateway.refund
    )


def _ask_for_disputes(gateway: Gateway, report: Report) -> None:
    is_unfinished = StripeDispute.status.not_in(_FINISHED_DISPUTES)
    report.disputes += _observe_listed(report, StripeDispute, gateway, gateway.disputes)
    report.disputes += _observe_older(
        *(report, StripeDispute, is_unfinished, gateway, gateway.disputes), ask=gateway.dispute
    )


def _observe_listed(report: Report, model: Model, gateway: Gateway, listing: Listing[Told]) -> int:
    """Merge what Stripe lists since the last time, as far as it differs from what is known."""
    count = 0
    try:
        for page in listing(since=report.since):
            count += len(page)
            rows = select(model.id, model.status, model.amount).where(
                model.id.in_([fact.id for fact in page])
            )
            known = {row.id: (row.status, row.amount) for row in read_rows(rows)}
            for fact in page:
                if known.get(fact.id) != (fact.status, fact.amount):
                    _try(report, fact.id, _observe, gateway, fact, None)
    except Missing:  # a stand-in may keep no such list; its events say the same
        return count
    return count


def _observe_older(
    report: Report,
    model: Model,
    is_unfinished: ColumnElement[bool],
    gateway: Gateway,
    listing: Listing[Told],
    *,
    ask: Callable[[str], Told],
) -> int:
    """Ask how those stand that were unfinished, or of an unknown amount, when they were listed."""
    count = 0
    older = select(model.id, model.created_at).where(
        or_(is_unfinished, model.amount == 0),
        model.created_at < report.since.replace(microsecond=0),
    )
    for rows in chunks(older, model.created_at, model.id):
        count += len(rows)
        listed = listed_facts({row.id: row.created_at for row in rows}, listing)
        for row in rows:
            _try(report, row.id, _observe, gateway, listed.get(row.id), partial(ask, row.id))
    return count


def _continue_refunds(gateway: Gateway, report: Report) -> None:
    """Ask for refunds that were written down and of which Stripe may know nothing."""
    unanswered = select(RefundRequest.id).where(RefundRequest.status == "requested")
    for rows in chunks(unanswered, RefundRequest.id):
        for row in rows:
            _try(report, f"refund request {row.id}", continue_refund, gateway, row.id)


def _replay(inbox_id: int) -> bool:
    return replay(inbox_id) == "done"


def _receive(event: Event, gateway: Gateway) -> bool:
    return receive(event, gateway) == "done"


def _observe(gateway: Gateway, fact: Fact | None, ask: Callable[[], Fact] | None) -> bool:
    try:
        found = fact or (ask and ask())
        return found is not None and observe(gateway.completed(found))
    except Missing:  # there is nothing to learn about what Stripe does not know
        return False


def _ask_for_transactions(gateway: Gateway, report: Report) -> None:
    """Fetch what Stripe charges for payments, from where the last run has stopped."""

    def took(number: int, is_new: bool) -> None:
        report.transactions += number
        report.changed += is_new

    with suppress(Missing):  # a stand-in may keep no such list
        fetch_transactions(gateway, since=report.since, until=report.until, took=took)


def _settle_again(_gateway: Gateway, report: Report) -> None:
    """Settle what is behind the facts, and what could not be delivered: a seat may be free now."""
    behind = select(Payment.id).where(is_behind())
    undelivered = select(Payment.id).where(Payment.status == "undeliverable")
    unsettled = undelivered.union(behind).subquery()
    for rows in chunks(select(unsettled), unsettled.c.id):
        for row in rows:
            _try(report, f"payment {row.id}", settle_payment, row.id)


STEPS: dict[str, Callable[[Gateway, Report], None]] = {
    "failed events": _replay_failed,
    "events": _replay_events,
    "checkouts": _ask_for_sessions,
    "invoices": _ask_for_invoices,
    "refunds": _ask_for_refunds,
    "refund requests": _continue_refunds,
    "disputes": _ask_for_disputes,
    "fees": _ask_for_transactions,
    "undelivered payments": _settle_again,
}
"""In this order: an event contains more than its object."""


def _try(report: Report, name: str, step: Callable[P, bool], *args: P.args, **kw: P.kwargs) -> None:
    try:
        report.changed += step(*args, **kw)
    except PaymentsUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - reported, and stops nothing else
        _failed(report, name, error)


def _failed(report: Report, name: str, error: Exception) -> None:
    report.failures.append(f"{name}: {one_line(error)}")


def _since(until: datetime) -> datetime:
    reached: datetime | None = db.session.scalar(select(StripeCursor.reconciled_until))
    db.session.rollback()
    if reached is not None:
        return reached - OVERLAP
    return min(until - LONGEST, (first_payment() or until) - OVERLAP)


@transactional
def _finish(session: Session, report: Report) -> None:
    values: dict[str, Any] = {"finished_at": now(), "report": report.as_json()}
    if report.is_complete:
        values["reconciled_until"] = report.until
    session.execute(
        insert(StripeCursor)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
    touch(session, "payments", "sync")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
