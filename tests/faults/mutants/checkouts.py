"""Faults in what can be sold, and in the checkouts that are opened and closed."""

from tests.faults.mutants.breaking import (
    change,
    change_keyword,
    drop_argument,
    drop_call,
    drop_if,
    drop_keyword,
    drop_operand,
    never,
)
from tests.faults.mutants.mutant import Mutant

MONEY = "tests/test_money.py"
COURSES = "tests/web/test_admin_courses.py"
CHECKOUT, CLOSING, LATE = (
    f"tests/payments/test_{name}.py" for name in ("checkout", "closing", "late_payments")
)

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
        drop_call("course_off_sale"),
        (CLOSING,),
    ),
    Mutant(
        "a course that became free goes on taking money",
        "edit_course",
        drop_call("course_off_sale"),
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
        change("payment.sale_ended_at is None", "True"),
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
    Mutant(
        "checkouts of earlier terms stay open",
        "edit_course",
        drop_call("terms_changed"),
        (CLOSING,),
    ),
    Mutant(
        "a course that asks for approval goes on being sold without",
        "edit_course",
        change_keyword("needs_approval", "False"),
        (CLOSING,),
    ),
    Mutant(
        "a new price closes the checkouts of offers that were made at another",
        "terms_changed",
        drop_argument("is_offered"),
        (LATE,),
    ),
    Mutant(
        "a change of currency leaves checkouts of the earlier one open",
        "terms_changed",
        drop_argument("Payment.currency"),
        (CLOSING,),
    ),
    Mutant(
        "who was let in for nothing goes on being asked to pay",
        "let_in",
        drop_if("buying"),
        (CLOSING,),
    ),
    Mutant(
        "what was paid by hand can be paid at Stripe once more",
        "record_payment",
        drop_call("already_has"),
        (CLOSING,),
    ),
    Mutant(
        "money that was paid in time is reviewed since it is told of late",
        "_ended",
        change("paid_at < payment.sale_ended_at.replace(microsecond=0)", "False"),
        (LATE,),
    ),
    Mutant(
        "seats that are all taken are sold until the checkout's time is over",
        "is_pointless",
        change("free_seats() > 0", "Course.price_cents > 0"),
        (LATE,),
    ),
    Mutant(
        "the checkout of whoever has the last seat held is closed",
        "is_pointless",
        drop_argument("is_offered"),
        (LATE,),
    ),
)
