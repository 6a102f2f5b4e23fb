"""What Stripe has charged for payments: its balance transactions, which never change."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Session

from lms.ledger.changes import table_of
from lms.ledger.movements import book
from lms.ledger.rows import Rows, as_table
from lms.live import touch
from lms.models import Payment, StripeTransaction
from lms.upsert import insert

_INTENTS = bindparam("intents", type_=Rows())


@dataclass(frozen=True)
class Transaction:
    """Money that came to the school's balance at Stripe, or left it."""

    id: str
    category: str
    source: str
    payment_intent: str | None
    reference: str | None
    charged: int | None
    charged_currency: str | None
    amount: int
    fee: int
    currency: str
    created_at: datetime


def keep(session: Session, found: Collection[Transaction]) -> bool:
    """Keep what is not known yet, with the fees in the books; True if anything was new.

    The caller holds the facts.
    """
    table = table_of(StripeTransaction)
    statement = insert(table).on_conflict_do_nothing().returning(table.c.id)
    new = set(session.scalars(statement, [vars(each) for each in found])) if found else set()
    if not new:
        return False
    session.flush()
    intents = {each.payment_intent for each in found if each.id in new and each.payment_intent}
    paid_by = select(as_table(_INTENTS, id=String()).c.id)
    paid = select(Payment.id).where(Payment.stripe_payment_intent_id.in_(paid_by))
    book(session, list(session.scalars(paid, {"intents": [[each] for each in intents]})))
    touch(session, "payments")
    return True
