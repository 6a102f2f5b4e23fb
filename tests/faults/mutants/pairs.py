"""Faults in two payments of one student for one course."""

from tests.faults.mutants.breaking import change
from tests.faults.mutants.mutant import Mutant

PAIRS = "tests/payments/test_pairs.py"
ORDERS = "tests/faults/test_orders.py"
KINDS = "tests/sync/kinds/test_payments.py"

MUTANTS = (
    Mutant("who pays twice is not noticed", "with_notes", change("giving[1:]", "[]"), (PAIRS,)),
    Mutant(
        "of two tellings of a refund the last wins",
        "merge_refunds",
        change("max(one, other, key=_refund_rank)", "other"),
        (ORDERS,),
    ),
    Mutant(
        "of two tellings of a dispute the last wins",
        "merge_disputes",
        change("max(one, other, key=_dispute_rank)", "other"),
        (ORDERS,),
    ),
    Mutant(
        "a checkout that was closed takes back its money",
        "merge_sessions",
        change("max(one, other, key=_session_rank)", "min(one, other, key=_session_rank)"),
        (ORDERS,),
    ),
    Mutant(
        "an event that a crash has cut off is taken for done",
        "_inbox_row",
        change("event.id", "event.type"),
        (ORDERS,),
    ),
    Mutant(
        "both of two payments have the note", "with_notes", change("giving[1:]", "giving"), (PAIRS,)
    ),
    Mutant(
        "a payment is settled without the others of its pair",
        "lms.ledger.payments:_lock",
        change("course and user", "False"),
        (PAIRS,),
    ),
    Mutant(
        "the note stays when the other has been refunded",
        "_noted",
        change("_NOTE.sub('', attention)", "attention"),
        (PAIRS,),
    ),
    Mutant(
        "a seat that another payment keeps is not shared",
        "bring_in_line",
        change("payment.status == 'undeliverable'", "payment.status == 'expired'"),
        (PAIRS,),
    ),
    Mutant(
        "a seat is given up before it is taken over",
        "bring_in_line",
        change("not results[key].gives_access", "results[key].gives_access"),
        (PAIRS,),
    ),
    Mutant(
        "a note that is missing is no violation",
        "is_another",
        change("found.c.id > found.c.earliest", "found.c.id < found.c.earliest"),
        (KINDS,),
    ),
    Mutant(
        "a note that is untrue is no violation",
        "is_noted_wrongly",
        change("~is_another()", "is_another()"),
        (KINDS,),
    ),
    Mutant(
        "a repaired note loses what else is to review",
        "note_second_payments",
        change("row.attention", "''"),
        (KINDS,),
    ),
)
