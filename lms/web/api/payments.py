"""Buying, refunding, and the endpoint that Stripe calls."""

from typing import Annotated, Literal

from flask import current_app, request
from pydantic import Field, StringConstraints

from lms import payments
from lms.models.payments import LONGEST_REFERENCE, ManualMethod, RefundRequestStatus
from lms.money import MAX_PRICE
from lms.payments.refunds import LONGEST_REASON
from lms.queries import payments as queries
from lms.refusals import (
    AlreadyEnrolled,
    ApprovalRequired,
    CourseFull,
    CourseNotFound,
    KeyReused,
    NotAcceptable,
    NotRefundable,
    PaymentInProgress,
    PaymentInReview,
    PaymentNotFound,
    PaymentsUnavailable,
    RateLimited,
    ReferenceUsed,
    RefundPending,
    Unverified,
)
from lms.web import stripe
from lms.web.addresses import origin
from lms.web.api.inputs import DayOrMoment, Id, Line
from lms.web.api.operation import Answer, Body, Operations
from lms.web.session import person, require_proof


class Purchase(Body):
    """What to buy."""

    course_id: Id


class Checkout(Answer):
    """The address of the payment page."""

    url: str
    notice: str
    """What the student should know before paying; blank if nothing."""


class Refund(Body):
    """How much to refund; by default everything that is left."""

    amount_cents: Annotated[int, Field(ge=1, le=MAX_PRICE)] | None = None
    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON), Line] = ""
    reference: Annotated[str, StringConstraints(max_length=LONGEST_REFERENCE), Line] = ""
    """Of money that went back by hand, since it had not gone through Stripe."""


class RefundTaken(Answer):
    """The refund requested from Stripe."""

    refund_id: str
    payment_id: int
    amount_cents: int
    currency: str
    status: RefundRequestStatus


class Acceptance(Body):
    """The reason for accepting the amount."""

    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON), Line] = ""


class Accepted(Answer):
    """A payment whose amount was accepted, and its status now."""

    payment_id: int
    status: str
    amount_cents: int
    currency: str


class Paid(Body):
    """Money that did not go through Stripe."""

    student_id: Id
    course_id: Id
    amount_cents: Annotated[int, Field(ge=1, le=MAX_PRICE)]
    currency: Annotated[str, StringConstraints(min_length=3, max_length=3), Line]
    method: ManualMethod
    reference: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REFERENCE), Line]
    paid_at: DayOrMoment | None = None
    """A bare day is one of the school's time zone."""


class RecordedPayment(Answer):
    """A payment as it was recorded."""

    id: int
    student_id: int
    course_id: int
    amount_cents: int
    currency: str
    method: ManualMethod
    reference: str
    status: str


class PaymentRecorded(Answer):
    """The recorded payment."""

    payment: RecordedPayment


class Received(Answer):
    """The outcome of an event."""

    outcome: Literal["done", "duplicate", "ignored"]


def register(operations: Operations) -> None:
    """Add the calls of this module."""

    @operations.add(
        "POST",
        "/payments/checkout",
        role="student",
        body=Purchase,
        answers={201: Checkout},
        refusals=[
            AlreadyEnrolled,
            ApprovalRequired,
            CourseFull,
            CourseNotFound,
            PaymentInProgress,
            PaymentInReview,
            PaymentsUnavailable,
            RateLimited,
        ],
    )
    def checkout(body: Purchase) -> Checkout:
        """Return where to pay for a course; repeated or simultaneous calls share one checkout."""
        url = payments.buy(stripe.gateway(), person().id, body.course_id, origin=origin())
        return Checkout(url=url, notice=queries.checkout_note(person().id, body.course_id))

    @operations.add(
        "POST",
        "/admin/payments/<int:payment_id>/refund",
        role="admin",
        body=Refund,
        answers={202: RefundTaken},
        refusals=[
            KeyReused,
            NotRefundable,
            PaymentNotFound,
            PaymentsUnavailable,
            RateLimited,
            RefundPending,
        ],
        takes_key=True,
    )
    def refund(payment_id: int, body: Refund, key: str | None) -> RefundTaken:
        """Request a refund; the payment changes when Stripe confirms it."""
        require_proof()
        taken = payments.request_refund(
            stripe.gateway(),
            payment_id,
            key=key,
            amount_cents=body.amount_cents,
            reference=body.reference,
            reason=body.reason,
            by=person().id,
        )
        return RefundTaken(**vars(taken))

    @operations.add(
        "POST",
        "/admin/payments/<int:payment_id>/accept",
        role="admin",
        body=Acceptance,
        answers={200: Accepted},
        refusals=[NotAcceptable, PaymentNotFound],
    )
    def accept(payment_id: int, body: Acceptance) -> Accepted:
        """Accept the amount paid in place of the agreed price; the payment then gives access."""
        require_proof()
        payments.accept(payment_id, by=person().id, reason=body.reason)
        found = queries.detail(payment_id)
        return Accepted(
            payment_id=payment_id,
            status=found.status,
            amount_cents=found.amount_cents,
            currency=found.currency,
        )

    @operations.add(
        "POST",
        "/admin/payments",
        role="admin",
        body=Paid,
        answers={201: PaymentRecorded},
        refusals=[KeyReused, RateLimited, ReferenceUsed],
        takes_key=True,
    )
    def record_payment(body: Paid, key: str | None) -> PaymentRecorded:
        """Record a payment that didn't go through Stripe; it gives access like any other."""
        require_proof()
        paid = body.model_dump()
        recorded = payments.record_payment(payments.ManualPayment(**paid), by=person().id, key=key)
        del paid["paid_at"]
        return PaymentRecorded(
            payment=RecordedPayment(
                **(paid | {"currency": recorded.currency}),
                id=recorded.payment_id,
                status=recorded.status,
            )
        )

    @operations.add(
        "POST",
        "/payments/webhook",
        role="anybody",
        checks_csrf=False,
        answers={200: Received},
        refusals=[Unverified, PaymentsUnavailable],
    )
    def webhook() -> Received:
        """Receive an event from Stripe, authenticated by its signature."""
        secrets = current_app.config["STRIPE_WEBHOOK_SECRET"]
        if not secrets:
            raise PaymentsUnavailable("Payments are not configured: set STRIPE_WEBHOOK_SECRET.")
        body = request.get_data(cache=False)
        signature = request.headers.get("Stripe-Signature", "")
        event = payments.verified_event(body, signature, secrets=secrets)
        return Received(outcome=payments.receive(event, stripe.gateway()))
