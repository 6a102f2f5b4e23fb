"""What a student is told about money: each occasion once, as a notice and by e-mail."""

from typing import Literal

from sqlalchemy.orm import Session

from lms.enrollment.notices import News, announce
from lms.models import NoticeKind, OutboxEmail, Payment, User
from lms.money import money
from lms.upsert import insert

Occasion = Literal[
    "paid", "refunded", "review", "failed", "disputed", "dispute_won", "dispute_lost"
]

# By occasion: the kind of notice, its title and its text.
_WORDS: dict[Occasion, tuple[NoticeKind, str, str]] = {
    "paid": (
        "paid",
        "You are enrolled in {title}",
        "Thank you: we have received {amount}.\nYour receipt is on the portal, under Payments.",
    ),
    "refunded": (
        "refunded",
        "Refund of {refunded} for {title}",
        "We have refunded {refunded} of the {amount} that you paid.\n"
        "Your bank may take some days to show it. What you have completed is kept.",
    ),
    "review": (
        "payment_review",
        "Your payment for {title}",
        "We have received {amount}, but could not open the course for you.\n"
        "A person looks at it and enrolls you or sends the money back.",
    ),
    "failed": (
        "payment_failed",
        "Your payment for {title} failed",
        "Your bank refused it, and nothing was charged. Try again, or pay in another way.",
    ),
    "disputed": (
        "payment_disputed",
        "Your bank disputes your payment for {title}",
        "The access that it gave is suspended until the bank has decided.\n"
        "What you have completed is kept.",
    ),
    "dispute_won": (
        "paid",
        "Your payment for {title} stands",
        "The bank has decided, and the access that it gave is open again.",
    ),
    "dispute_lost": (
        "payment_disputed",
        "Your bank has taken back your payment for {title}",
        "The access that it gave has ended. What you have completed is kept.",
    ),
}


def tell(session: Session, payment: Payment, *, before: str) -> None:
    """Tell the student what the payment has just become, where that is news to them."""
    occasion = _occasion(payment, before)
    if occasion is None:
        return
    kind, title, text = _WORDS[occasion]
    words = {
        "title": payment.course_title,
        "amount": money(payment.amount_cents, payment.currency),
        "refunded": money(payment.refunded_cents, payment.currency),
    }
    news = News(kind, title.format(**words), text.format(**words), payment_id=payment.id)
    key = f"payment-{payment.id}-{occasion}"
    if payment.refunded_cents:  # further refunds are news of their own
        key += f"-{payment.refunded_cents}"
    user = session.get(User, payment.user_id) if payment.user_id is not None else None
    if user is not None:
        announce(session, news, user.id, payment.course_id, key=key)
    elif payment.user_email:
        _write_to_the_departed(session, payment.user_email, news, key)


def _occasion(payment: Payment, before: str) -> Occasion | None:
    match payment.status:
        case "disputed" | "dispute_lost" | "failed" as occasion:
            return occasion
        case "paid" | "partially_refunded" if before == "disputed":
            return "dispute_won"
        case _ if payment.refunded_cents:
            return "refunded"
        case "paid":
            return "paid"
        case "undeliverable" | "needs_review":
            return "review"
    return None


def _write_to_the_departed(session: Session, email: str, news: News, key: str) -> None:
    # The account is gone, and its notices with it; what becomes of the money they still hear.
    session.execute(
        insert(session, OutboxEmail)
        .values(
            key=key,
            recipient=email,
            subject=" ".join(news.title.split())[:200],
            body=f"{news.title}\n\n{news.text}\n",
        )
        .on_conflict_do_nothing()
    )
