"""Faults in the parts of a price, and in what an admin may accept instead of it."""

from tests.faults.mutants.breaking import (
    always,
    change,
    change_keyword,
    drop_operand,
    drop_statement,
)
from tests.faults.mutants.mutant import Mutant

PARTS = ("tests/payments/test_parts.py",)
INVOICES = ("tests/payments/test_invoices.py",)

MUTANTS = (
    Mutant(
        "the total alone is held against the price",
        "lms.ledger.price_parts:difference",
        change("parts.subtotal == agreed and parts.are_whole", "parts.total == agreed"),
        PARTS,
    ),
    Mutant(
        "a total that nothing explains is enough",
        "lms.ledger.price_parts:difference",
        change("parts.are_whole", "True"),
        PARTS,
    ),
    Mutant(
        "what was accepted needs review again",
        "lms.ledger.price_parts:difference",
        drop_operand("accepted"),
        PARTS,
    ),
    Mutant(
        "tax that is contained in the price is unexplained",
        "lms.ledger.price_parts:add_up",
        change("total == net", "total == net + tax"),
        PARTS,
    ),
    Mutant(
        "the amount in another currency is written as if it were in the course's",
        "lms.ledger.price_parts:parts_of",
        drop_operand("session.currency"),
        PARTS,
    ),
    Mutant(
        "an older event without a subtotal is never paid",
        "lms.ledger.price_parts:parts_of",
        change("max(0, total + (discount or 0) - (tax or 0))", "0"),
        PARTS,
    ),
    Mutant(
        "what was agreed is forgotten when the amounts are written",
        "lms.ledger.payments:_write_parts",
        drop_statement("agreed_cents"),
        PARTS,
    ),
    Mutant(
        "access that an admin has ended comes back by accepting the amount",
        "lms.ledger.payment_acceptance:_acceptable",
        drop_operand("access_ended_at"),
        PARTS,
    ),
    Mutant(
        "whatever needs review can be accepted",
        "lms.ledger.payment_acceptance:_acceptable",
        change("not other_amount(snapshot(payment), fact)", "False"),
        PARTS,
    ),
    Mutant(
        "nobody is named who has accepted an amount",
        "lms.ledger.payment_acceptance:accept",
        change_keyword("by", "None", "record"),
        PARTS,
    ),
    Mutant(
        "accepting twice is told twice",
        "lms.ledger.payment_acceptance:accept",
        change("payment.accepted_cents == payment.amount_cents", "False"),
        PARTS,
    ),
    Mutant(
        "a payment of nothing needs a payment intent to be refunded",
        "lms.payments.refunds:obstacle",
        change("amount_cents == 0", "False"),
        PARTS,
    ),
    Mutant(
        "an invoice that has a number is kept without it",
        "SessionFact",
        drop_operand("has_number"),
        INVOICES,
    ),
    Mutant(
        "an invoice that its event doesn't name is never asked for",
        "lms.payments.gateway:Gateway",
        change('(fact.state, fact.invoice) == ("paid", None)', "False"),
        INVOICES,
    ),
    Mutant(
        "an invoice that was made later is never asked for",
        "_ask_for_invoices",
        change("is_recent if gateway.makes_invoices else false()", "false()"),
        INVOICES,
    ),
    Mutant(
        "the link to the invoice of somebody erased comes back",
        "_remember_invoice",
        always("payment.user_id"),
        INVOICES,
    ),
)
