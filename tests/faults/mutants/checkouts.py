"""Faults in what can be sold, and in the checkouts that are opened and closed."""

from tests.faults.mutants.breaking import (
    change,
    drop_argument,
    drop_call,
    drop_keyword,
    drop_operand,
    never,
)
from tests.faults.mutants.mutant import Mutant

MONEY = "tests/test_money.py"
COURSES = "tests/web/test_admin_courses.py"
CHECKOUT, CLOSING = (f"tests/payments/test_{name}.py" for name in ("checkout", "closing"))

MUTANTS = (
    Mutant(
        "fractions of what has none are sold",
        "is_sold",
        change("amount % known.step == 0", "True"),
        (MONEY,),
    ),
    Mutant("less than the minimum is sold", "is_sold", change("known.least", "1"), (MONEY,)),
    Mutant("more than the maximum is sold", "is_sold", change("MAX_PRICE", "10**9"), (MONEY,)),
    Mutant(
        "the highest price is none",
        "lms.money:prices",
        change("MAX_PRICE - MAX_PRICE % known.step", "MAX_PRICE"),
        (MONEY,),
    ),
    Mutant(
        "a price that nobody can pay is published",
        "lms.enrollment.courses:_checked",
        change("is_sold(fields.price_cents, fields.currency)", "True"),
        (COURSES,),
    ),
    Mutant(
        "an address that Stripe refuses keeps its owner from buying",
        "lms.payments.checkout:_opened",
        change("AddressDeclined", "Busy"),
        (CHECKOUT,),
    ),
    Mutant(
        "an address that Stripe refused is sent again",
        "_offer",
        change("payment.email_refused_at is None", "True"),
        (CHECKOUT,),
    ),
    Mutant(
        "who is asked for another address is not told why",
        "refuse_address",
        change("ANOTHER_ADDRESS", "''"),
        (CHECKOUT,),
    ),
    Mutant(
        "a refusal by Stripe stands in the log alone",
        "lms.payments.checkout:_open",
        drop_keyword("because"),
        (CHECKOUT,),
    ),
    Mutant(
        "a refusal is forgotten when the payment is settled again",
        "lms.ledger.payments:snapshot",
        drop_keyword("refusal"),
        (CHECKOUT,),
    ),
    Mutant(
        "a refusal stands although Stripe sells the course again",
        "keep_checkout",
        drop_call("_forget_refusals"),
        (CHECKOUT,),
    ),
    Mutant(
        "a second payment is taken without a word about the disputed one",
        "begin_payment",
        never("_is_disputed"),
        (CHECKOUT,),
    ),
    Mutant(
        "an archived course goes on taking money",
        "archive_course",
        drop_call("sale_ended"),
        (CLOSING,),
    ),
    Mutant(
        "a course that became free goes on taking money",
        "edit_course",
        drop_call("sale_ended"),
        (CLOSING,),
    ),
    Mutant(
        "whatever is edited ends the sale",
        "edit_course",
        change("not course.is_on_sale", "True"),
        (CLOSING,),
    ),
    Mutant(
        "money for a sale that had ended is taken as if it had not",
        "_ended",
        change("payment.sale_ended_at is not None", "False"),
        (CLOSING,),
    ),
    Mutant(
        "who is locked out is sold what they can't use",
        "_deliver",
        never("user.is_active"),
        (CLOSING,),
    ),
    Mutant(
        "who is locked out loses what they have bought",
        "_deliver",
        drop_operand("_is_granted"),
        (CLOSING,),
    ),
    Mutant(
        "the checkout of who is locked out stays open",
        "is_pointless",
        drop_argument("User.is_active"),
        (CLOSING,),
    ),
    Mutant(
        "a checkout from before a course was off sale is used again",
        "_is_outdated",
        drop_operand("payment.sale_ended_at"),
        (CLOSING,),
    ),
    Mutant(
        "who is let in after the end of a sale still waits for a review",
        "access_restored",
        drop_argument("Payment.sale_ended_at"),
        (CLOSING,),
    ),
    Mutant(
        "one checkout after the other waits for a Stripe that is down",
        "close_checkouts",
        change("PaymentsUnavailable", "KeyError"),
        (CLOSING,),
    ),
)
