"""Faults in the books, and in money that did not go through Stripe."""

from tests.faults.mutants.breaking import (
    drop_argument,
    drop_call,
    never,
)
from tests.faults.mutants.mutant import Mutant

MOVEMENTS, BOOKS, RECORDING, FEES = (
    f"tests/payments/test_{name}.py" for name in ("movements", "books", "recording", "transactions")
)

MUTANTS = (
    Mutant("what a payment comes to is not booked", "settle", drop_call("book"), (MOVEMENTS,)),
    Mutant("fees are not booked", "lms.ledger.transactions:keep", drop_call("book"), (FEES,)),
    Mutant(
        "a month closes without what it lacks",
        "lms.ledger.closing:close",
        drop_call("book_month"),
        (BOOKS,),
    ),
    Mutant(
        "closing is not in the trail", "lms.ledger.closing:close", drop_call("record"), (BOOKS,)
    ),
    Mutant(
        "a month that goes on can be closed", "lms.ledger.closing:close", never("is_over"), (BOOKS,)
    ),
    Mutant(
        "money without access is no question",
        "lms.ledger.unexplained:_no_access",
        drop_argument("gives"),
        (BOOKS,),
    ),
    Mutant(
        "money recorded gives no access",
        "record_payment",
        drop_call("settle"),
        (RECORDING,),
    ),
    Mutant("a refund by hand changes nothing", "record_refund", drop_call("settle"), (RECORDING,)),
    Mutant(
        "the same key is another payment", "record_payment", never("payment_of_key"), (RECORDING,)
    ),
    Mutant(
        "a key stands for any money",
        "lms.payments.recording:_same",
        never("before", "asked"),
        (RECORDING,),
    ),
)
