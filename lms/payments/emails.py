"""What a student is told by e-mail about money, each occasion once."""

from sqlalchemy.orm import Session

from lms.models import OutboxEmail, Payment, User
from lms.money import money
from lms.upsert import insert


def write_emails(session: Session, payment: Payment) -> None:
    """Owe the student the e-mail about what the payment has just become, if there is one."""
    recipient = _address(session, payment)
    if recipient is None:
        return
    amount = money(payment.amount_cents, payment.currency)
    refunded = money(payment.refunded_cents, payment.currency)
    course = payment.course_title
    if payment.refunded_cents:
        _write(
            session,
            key=f"payment-{payment.id}-refunded-{payment.refunded_cents}",
            recipient=recipient,
            subject=f"Refund of {refunded} for {course}",
            body=f"We have refunded {refunded} of the {amount} that you paid for {course}.\n"
            "Your bank may take some days to show it.\n\n"
            "What you have completed is kept.\n",
        )
    elif payment.status == "paid":
        _write(
            session,
            key=f"payment-{payment.id}-paid",
            recipient=recipient,
            subject=f"You are enrolled in {course}",
            body=f"Thank you: we have received {amount}, and you are enrolled in {course}.\n\n"
            "Your receipt is on the portal, under Payments.\n",
        )
    elif payment.status in {"undeliverable", "needs_review"}:
        _write(
            session,
            key=f"payment-{payment.id}-review",
            recipient=recipient,
            subject=f"Your payment for {course}",
            body=f"We have received your payment for {course}, but could not open the course\n"
            "for you. A person looks at it and enrolls you or sends the money back.\n",
        )


def _address(session: Session, payment: Payment) -> str | None:
    user = session.get(User, payment.user_id) if payment.user_id is not None else None
    return (user.email if user else payment.user_email) or None


def _write(session: Session, *, key: str, recipient: str, subject: str, body: str) -> None:
    session.execute(
        insert(session, OutboxEmail)
        .values(
            key=key,
            recipient=recipient,
            subject=" ".join(subject.split())[:200],
            body=body,
        )
        .on_conflict_do_nothing()
    )
