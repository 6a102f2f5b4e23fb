"""Only the ledger writes payments and what Stripe has said of them."""

import ast
from collections.abc import Iterator

from tests.architecture.places import STAND_IN
from tests.architecture.rule import rule
from tests.architecture.statements import assignments_to, statements_on

MONEY = {
    *("Payment", "StripeSession", "StripeRefund", "StripeDispute", "StripeTransaction"),
    *("ManualRefund", "MoneyMovement", "ClosedMonth"),
}


@rule(
    allowed=("lms.ledger", "lms.models", "lms.migrations", STAND_IN),
    offenders=(
        (
            "lms/payments/made_up.py",
            "from lms.models import Payment as P\nsession.add(P(status='paid'))",
        ),
        (
            "lms/enrollment/made_up.py",
            "from lms.models import Payment\nsession.execute(update(Payment).values(status='x'))",
        ),
        (
            "lms/sync/made_up.py",
            "session.execute(sa.delete(table_of(models.StripeRefund)))",
        ),
        (
            "lms/importing/made_up.py",
            "insert_many(session, Payment.__table__, rows)",
        ),
        (
            "lms/payments/made_up.py",
            "def f(session):\n    row = session.get(Payment, 1)\n    row.status = 'paid'",
        ),
        (
            "lms/payments/made_up.py",
            "def f(row: Payment):\n    row.status, other.status = 'paid', ''",
        ),
        (
            "lms/web/made_up.py",
            "def f(session):\n    for row in session.scalars(select(Payment)):\n        row.x += 1",
        ),
        (
            "lms/payments/made_up.py",
            "def f(session):\n    payment = lock_payment(session, 1)\n    payment.status = 'paid'",
        ),
    ),
)
def payments_changed_outside_of_the_ledger(tree: ast.Module) -> Iterator[ast.expr]:
    """Find statements on payments and Stripe's facts, new rows of them, and changes of a row."""
    yield from statements_on(MONEY, tree)
    yield from assignments_to(MONEY, tree)
