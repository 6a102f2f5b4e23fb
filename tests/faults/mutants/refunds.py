"""Faults in refunds, and in what is kept of a payment."""

from tests.faults.mutants.breaking import (
    always,
    change,
    compare,
    drop_argument,
    drop_call,
    drop_keyword,
    drop_operand,
    never,
    returns,
)
from tests.faults.mutants.mutant import Mutant

REFUNDS, RACES, KEPT = (f"tests/payments/test_{name}.py" for name in ("refunds", "races", "kept"))
PAGES = "tests/web/test_payments.py"

MUTANTS = (
    Mutant(
        "the same id is another refund",
        "lms.payments.refunds:_write_down",
        never("request_of"),
        (REFUNDS,),
    ),
    Mutant(
        "an id stands for any amount",
        "_same",
        drop_operand("amount_cents not in amounts"),
        (REFUNDS,),
    ),
    Mutant(
        "an id stands for any payment",
        "_same",
        drop_operand("known.payment_id != payment.id"),
        (REFUNDS,),
    ),
    Mutant(
        "an equal refund does not wait for the earlier one",
        "_left",
        never("asked in pending and not has_key"),
        (REFUNDS,),
    ),
    Mutant(
        "only what Stripe has answered is pending",
        "_left",
        drop_operand("awaited"),
        (REFUNDS,),
    ),
    Mutant(
        "what is on its way to Stripe can be sent back again",
        "_left",
        drop_keyword("awaited"),
        (REFUNDS,),
    ),
    Mutant(
        "Stripe is asked again for what it has answered",
        "_ask",
        never("written.status == 'taken'"),
        (REFUNDS,),
    ),
    Mutant(
        "Stripe is believed to remember keys for good",
        "_ask",
        never("_REMEMBERED"),
        (REFUNDS,),
    ),
    Mutant(
        "each try is another refund to Stripe",
        "_Written.idempotency_key",
        change("self.key.encode()", "new_refund_id().encode()"),
        (REFUNDS,),
    ),
    Mutant(
        "Stripe is not told which refund it is",
        "Gateway.create_refund",
        change("{REQUEST: request}", "{}"),
        (REFUNDS,),
    ),
    Mutant(
        "a refusal of Stripe leaves no word",
        "_refuse",
        drop_call("_record"),
        (REFUNDS,),
    ),
    Mutant(
        "a refund that died is never continued",
        "_continue_refunds",
        drop_call("_try"),
        (REFUNDS,),
    ),
    Mutant(
        "the event of a refund answers no request",
        "merge",
        drop_call("note_answer"),
        (REFUNDS,),
    ),
    Mutant(
        "each look at the form's errors is another refund",
        "lms.web.admin.payments:refund",
        change("form.refund_id.data or None", "None"),
        (PAGES,),
    ),
    Mutant(
        "any lost dispute ends access",
        "_paid_status",
        change("lost and gone >= taken", "lost"),
        (KEPT,),
    ),
    Mutant(
        "a refund and a lost dispute do not add up",
        "_paid_status",
        change("refunded + lost", "max(refunded, lost)"),
        (KEPT,),
    ),
    Mutant(
        "half is too little where half is enough",
        "keeps_access",
        compare(">", "kept * 100"),
        (KEPT,),
    ),
    Mutant(
        "the share that the school has set counts for nothing",
        "kept_percent",
        returns("0"),
        (KEPT,),
    ),
    Mutant(
        "a dispute lost in part is told as won",
        "_occasion",
        always("has_lost"),
        (KEPT,),
    ),
    Mutant(
        "what a bank took back in part is not missed",
        "is_behind",
        drop_argument("_is_judged_otherwise()"),
        (KEPT,),
    ),
)
