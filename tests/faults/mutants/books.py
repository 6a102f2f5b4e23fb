"""Faults in the books, and in money that did not go through Stripe."""

from tests.faults.mutants.breaking import (
    begin_with,
    change,
    change_keyword,
    drop_argument,
    drop_call,
    drop_operand,
    never,
)
from tests.faults.mutants.mutant import Mutant

MOVEMENTS, BOOKS, RECORDING, FEES, SPAN, RAW = (
    f"tests/payments/test_{name}.py"
    for name in ("movements", "books", "recording", "transactions", "fees", "raw_money")
)

FORM = "tests/web/test_recording.py"

MUTANTS = (
    Mutant(
        "a form gone back to records nothing when it is sent again",
        "lms.web.admin.recording:_say",
        change("new_key()", "form.key.data"),
        (FORM,),
    ),
    Mutant(
        "a closed month is offered to be closed",
        "confirm_close",
        never("is_closed"),
        (FORM,),
    ),
    Mutant(
        "what a payment comes to is not booked", "bring_in_line", drop_call("book"), (MOVEMENTS,)
    ),
    Mutant(
        "fees that a cut-off reading has not reached are taken for known",
        "lms.payments.fees:_steps",
        change("max(floor, min(oldest, span.since))", "floor"),
        (SPAN,),
    ),
    Mutant(
        "a dispute of unknown size takes nothing",
        "_reported_dispute",
        change("StripeDispute.amount == 0", "StripeDispute.amount < 0"),
        (MOVEMENTS,),
    ),
    Mutant(
        "another method in a closed month shows nowhere",
        "unbooked",
        change(
            "or_(kept != booked.scalar_subquery(), is_booked_otherwise())",
            "kept != booked.scalar_subquery()",
        ),
        (RAW,),
    ),
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
        "what a status alone says was refunded is no money",
        "lms.ledger.recorded_money:refunded",
        begin_with("return Payment.refunded_cents"),
        (RAW,),
    ),
    Mutant(
        "a dispute that the record alone knows is over",
        "_paid_status",
        drop_operand("is_old"),
        (RAW,),
    ),
    Mutant(
        "late money of a closed month is not seen",
        "lms.queries.books:_values",
        begin_with("return values_of(month, clocks)"),
        (RAW,),
    ),
    Mutant(
        "a row that says more than Stripe is no question",
        "lms.ledger.unexplained:_row_differs",
        drop_argument("differs_from_facts"),
        (RAW,),
    ),
    Mutant(
        "money that is in no month is no question",
        "lms.ledger.unexplained:_impossible_date",
        drop_argument("_IS_PRESENT"),
        (RAW,),
    ),
    Mutant(
        "parts that explain nothing pass",
        "lms.ledger.recorded_money:parts_differ",
        drop_operand("explained"),
        (RAW,),
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
        "a key stands for money of any time",
        "lms.payments.recording:_same",
        drop_operand("_is_when"),
        (RECORDING,),
    ),
    Mutant(
        "an offer's price is no matter to money by hand",
        "lms.payments.recording:record_payment",
        change_keyword("offer", "None"),
        (RECORDING,),
    ),
    Mutant(
        "pressing refund twice gives money back by hand twice",
        "record_refund",
        never("earlier"),
        (RECORDING,),
    ),
    Mutant(
        "money comes in steps that its currency does not have",
        "lms.payments.recording:_check_steps",
        never("is_in_steps"),
        (RECORDING,),
    ),
    Mutant(
        "a key stands for any money",
        "lms.payments.recording:_same",
        never("before", "asked"),
        (RECORDING,),
    ),
)
