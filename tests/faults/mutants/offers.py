"""Faults in offers and in who gets a free seat."""

from tests.faults.mutants.breaking import (
    change,
    change_keyword,
    drop_call,
    drop_operand,
    never,
    returns,
)
from tests.faults.mutants.mutant import MACHINE, Mutant

OFFERS, WAITING = (f"tests/enrollment/test_{name}.py" for name in ("offers", "waiting"))

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
)
