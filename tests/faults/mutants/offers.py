"""Faults in offers and in who gets a free seat."""

from tests.faults.mutants.breaking import (
    change,
    change_keyword,
    drop_argument,
    drop_call,
    drop_if,
    drop_keyword,
    drop_operand,
    never,
    returns,
)
from tests.faults.mutants.mutant import MACHINE, Mutant

OFFERS, WAITING, PAID = (
    f"tests/enrollment/test_{name}.py" for name in ("offers", "waiting", "paid_waiting")
)

MUTANTS = (
    Mutant(
        "an approval of what is sold lets in for nothing",
        "carry_out",
        never("course.is_sold_by_offer"),
        (OFFERS, MACHINE),
    ),
    Mutant(
        "an offer has a price of its own",
        "ledger.offers:make_offer",
        change_keyword("price_cents", "1", "_making"),
        (OFFERS,),
    ),
    Mutant(
        "a held seat is anybody's",
        "seats_used",
        drop_operand("held"),
        (OFFERS, MACHINE),
    ),
    Mutant(
        "whoever is let in keeps the offer open",
        "ledger.access:let_in",
        drop_call("accept_offers"),
        (OFFERS, MACHINE),
    ),
    Mutant(
        "an offer that is over holds its seat",
        "pass_on_seats",
        change("len(end_due(...))", "0"),
        (OFFERS, MACHINE),
    ),
    Mutant(
        "who leaves takes the offered seat along",
        "enrollment.people:deactivate_user",
        drop_call("fill_others"),
        (OFFERS,),
    ),
    Mutant(
        "a declined seat goes to nobody",
        "enrollment.offers:decline_offer",
        drop_call("fill_seats"),
        (WAITING, MACHINE),
    ),
    Mutant(
        "the last in line comes first",
        "ledger.waiting:_in_line",
        change("AccessRequest.created_at", "AccessRequest.created_at.desc()", "order_by"),
        (WAITING, MACHINE),
    ),
    Mutant(
        "a free seat lets in whom nobody has approved",
        "_can_buy_or_join",
        returns("True"),
        (WAITING, MACHINE),
    ),
    Mutant(
        "everybody who waits is told of one seat",
        "_tell_whose_seat_is_free",
        change("left - called", "_MOST_TOLD"),
        (WAITING, MACHINE),
    ),
    Mutant(
        "a free seat passes over who has paid",
        "pass_on_seats",
        never("let_in_who_paid"),
        (PAID, MACHINE),
    ),
    Mutant(
        "the latest payment comes first",
        "lms.ledger.paid_waiting:_waiting",
        change("func.coalesce(...)", "Payment.id.desc()", "order_by"),
        (PAID,),
    ),
    Mutant(
        "a payment that is dealt with waits for a seat",
        "is_unreviewed",
        returns("payment.id > 0"),
        (PAID, OFFERS),
    ),
    Mutant(
        "money in review holds no seat",
        "lms.models.offers:is_due",
        change("payment.status == in_review", "payment.id < 0"),
        (OFFERS,),
    ),
    Mutant(
        "an offer that is over is given once more",
        "ledger.offers:make_offer",
        drop_call("end_due"),
        (OFFERS,),
    ),
    Mutant(
        "an offer is declined while the bank is at its payment",
        "enrollment.offers:decline_offer",
        drop_if("is_processing"),
        ("tests/web/test_offers.py",),
    ),
    Mutant(
        "whoever pays passes those who paid and wait",
        "_give_bought",
        drop_call("let_in_who_paid"),
        (PAID,),
    ),
    Mutant(
        "the worker forgets who has paid",
        "courses_to_fill",
        drop_argument("courses_paid_for"),
        (PAID,),
    ),
    Mutant(
        "an approval asks who has paid to pay again",
        "carry_out",
        change("unsettled(...)", "None"),
        (PAID,),
    ),
    Mutant(
        "an approval passes over money in review",
        "let_payment_count",
        change("unsettled(...)", "None"),
        (PAID,),
    ),
    Mutant(
        "an approval ahead leaves what has been paid aside",
        "_approve_ahead",
        drop_call("let_payment_count"),
        (PAID,),
    ),
    Mutant(
        "who has paid can buy once more",
        "lms.payments.checkout:_refusal",
        change("why_not_again(...)", "''"),
        (PAID,),
    ),
    Mutant(
        "whom an admin enrolls goes on waiting for what is paid",
        "lms.ledger.payment_endings:access_restored",
        change("{*in_review, *waiting}", "{*in_review}"),
        (PAID,),
    ),
    Mutant(
        "a payment lets in again whom an admin has unenrolled",
        "lms.ledger.payment_endings:access_ended",
        drop_keyword("among"),
        (PAID,),
    ),
    Mutant(
        "a withdrawn seat goes to nobody",
        "lms.enrollment.offers:withdraw_offer",
        drop_call("fill_seats"),
        (OFFERS, MACHINE),
    ),
    Mutant(
        "an offer is withdrawn twice",
        "lms.enrollment.offers:withdraw_offer",
        never("ended"),
        (OFFERS,),
    ),
    Mutant(
        "whoever is locked out reads why",
        "_drop_offers",
        change_keyword("tells", "True"),
        (OFFERS,),
    ),
)
