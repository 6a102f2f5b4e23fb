"""Purchases of the demo school: the portal's own verbs, and a stand-in for Stripe with a past.

So whoever looks at a purchase later, also reconciliation or a refund, finds it on both sides.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from lms import payments
from lms.demo.stripe import checkout, disputes
from lms.demo.stripe.app import KEY
from lms.demo.stripe.past import ORIGIN, Past
from lms.ledger import fact_rows
from lms.ledger.months import Month
from lms.models import Course, Payment
from lms.payments.events import read_event
from lms.payments.settlement import keep_transactions
from lms.payments.terms import Terms

_TERMS = Terms(automatic_tax="included")
_PORTAL = "http://127.0.0.1:8000"


class Till:
    """Where students pay; each step happens at Stripe, which notifies the portal at once."""

    def __init__(self, session: Session, past: Past) -> None:
        self._session = session
        self._past = past
        self._gateway = payments.Gateway(KEY, base=ORIGIN, http=past.http, terms=_TERMS)

    def begin(self, student: int, course: int) -> str:
        """Press 'Buy'; return the checkout."""
        url = payments.buy(self._gateway, student, course, origin=_PORTAL)
        return url.rpartition("/")[2]

    def pay(self, session_id: str) -> None:
        """Pay by card."""
        self._let(checkout.pay, session_id)

    def pay_with_code(self, session_id: str) -> None:
        """Enter a promotion code, and pay by card."""
        self._let(checkout.apply_code, session_id, "WELCOME10")
        self.pay(session_id)

    def order_debit(self, session_id: str) -> None:
        """Pay by a bank debit, which arrives, or bounces, days later."""
        self._let(checkout.pay_later, session_id, succeeds=True)

    def bounce(self, session_id: str) -> None:
        """Let the debit fail."""
        self._let(checkout.settle, self._payment(session_id).intent, succeeds=False)

    def expire(self, session_id: str) -> None:
        """Let the time to pay run out."""
        self._let(checkout.expire, session_id)

    def dispute(self, session_id: str) -> None:
        """Let the student's bank take the money back."""
        self._let(disputes.open_dispute, self._payment(session_id).intent)

    def win(self, session_id: str) -> None:
        """Let the bank decide for the school."""
        [dispute] = fact_rows.disputes(self._session, self._payment(session_id).intent)
        self._let(disputes.close_dispute, dispute.id, ending="won")

    def transfer(self, student: int, course: int, *, reference: str, by: int) -> None:
        """Pay by bank transfer, which an admin finds on the bank statement and records."""
        price = self._session.execute(
            select(Course.price_cents, Course.currency).where(Course.id == course)
        ).one()
        paid = payments.ManualPayment(
            student, course, price.price_cents, price.currency, "transfer", reference
        )
        payments.record_payment(paid, by=by)

    def fetch_fees(self, since: datetime) -> None:
        """Fetch what Stripe has charged, as reconciliation does."""
        for found in self._gateway.transactions(since=since):
            keep_transactions(found)

    def close(self, month: Month, *, by: int) -> None:
        """Close the books of a month, with all fees."""
        self.fetch_fees(month.midnight)
        payments.close_month(month, by=by)

    def refund(self, session_id: str, *, by: int) -> None:
        """Send all of the money back."""
        self._send_back(session_id, None, "Refund requested within a week.", by=by)

    def refund_half(self, session_id: str, *, by: int) -> None:
        """Send half of the money back."""
        half = self._payment(session_id).amount_cents // 2
        self._send_back(session_id, half, "Half price for association members.", by=by)

    def _send_back(self, session_id: str, amount: int | None, reason: str, *, by: int) -> None:
        payment = self._payment(session_id)
        payments.request_refund(
            self._gateway, payment.id, amount_cents=amount, reason=reason, by=by
        )
        self._hear()

    def _let(self, verb: Callable[..., Any], *args: object, **kw: object) -> None:
        self._past.let(verb, *args, **kw)
        self._hear()

    def _hear(self) -> None:
        for event in map(read_event, self._past.news()):
            if event.is_handled:  # the others a school does not subscribe to
                payments.receive(event, self._gateway)

    def _payment(self, session_id: str) -> Row[int, int, str | None]:
        return self._session.execute(
            select(
                Payment.id,
                Payment.amount_cents,
                Payment.stripe_payment_intent_id.label("intent"),
            ).where(Payment.stripe_session_id == session_id)
        ).one()
