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

REFUNDS, KEPT, ENDPOINT, RECONCILE = (
    f"tests/payments/test_{name}.py" for name in ("refunds", "kept", "endpoint", "reconcile")
)
PAGES = "tests/web/test_refunds.py"
EVIDENCE = "tests/web/test_evidence.py"

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
        change(
            "awaited + [each.amount for each in known if each.status in UNFINISHED_REFUNDS]",
            "[each.amount for each in known if each.status in UNFINISHED_REFUNDS]",
        ),
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
        never("has_lost"),
        (KEPT,),
    ),
    Mutant(
        "what the school has set later counts for nothing",
        "is_behind",
        drop_argument("_is_judged_otherwise()"),
        (KEPT,),
    ),
    Mutant(
        "of a refunded charge only its events say more",
        "_completed",
        always("event.payment_intent is None"),
        (REFUNDS,),
    ),
    Mutant(
        "what a refunded charge brings is kept and not settled",
        "lms.payments.inbox:_apply",
        change("event.facts", "event.fact is not None", "payment_id is not None"),
        (REFUNDS,),
    ),
    Mutant(
        "an endpoint needs no event",
        "_problems_of",
        never("missing"),
        (ENDPOINT,),
    ),
    Mutant(
        "an endpoint of any address is the portal's",
        "_is_ours",
        never("public_url"),
        (ENDPOINT,),
    ),
    Mutant(
        "an endpoint of any release is read",
        "_problems_of",
        never("_release"),
        (ENDPOINT,),
    ),
    Mutant(
        "each checkout is asked for on its own",
        "listed_facts",
        always("_WORTH_A_LIST"),
        (RECONCILE,),
    ),
    Mutant(
        "a chunk begins where the one before began",
        "chunks",
        change("rows[-1]", "rows[0]"),
        (RECONCILE,),
    ),
    Mutant(
        "of a list only its first page is read",
        "_pages",
        change("bool(found) and page.has_more", "False"),
        (RECONCILE,),
    ),
    Mutant(
        "the evidence names the first chapter twice",
        "evidence",
        (
            change("ChapterCompletion.completed_at.desc()", "ChapterCompletion.completed_at"),
            change("ChapterCompletion.id.desc()", "ChapterCompletion.id"),
        ),
        (EVIDENCE,),
    ),
    Mutant(
        "whatever the reason, the same is asked for",
        "asked_for",
        change("_BY_REASON.get(reason, _GENERAL)", "_GENERAL"),
        (EVIDENCE,),
    ),
    Mutant(
        "there is evidence where nobody disputes",
        "dispute_evidence",
        never("found.payment.disputes"),
        (EVIDENCE,),
    ),
    Mutant(
        "all that Stripe has left is asked for, with what the bank has taken back",
        "lms.payments.refunds:_write_down",
        drop_operand("not payment.lost_cents"),
        (REFUNDS,),
    ),
    Mutant(
        "all that Stripe has left is asked for, with an earlier refund that waits",
        "lms.payments.refunds:_write_down",
        drop_operand("not unseen"),
        (REFUNDS,),
    ),
    Mutant(
        "what an admin has dealt with takes a free seat",
        "_deliver",
        never("_is_reviewed"),
        (RECONCILE,),
    ),
    Mutant(
        "no more than a month is asked for after a longer pause",
        "lms.payments.reconcile:_since",
        change("reached - OVERLAP", "max(reached - OVERLAP, until - LONGEST)"),
        (RECONCILE,),
    ),
    Mutant(
        "the amount of a dispute stays unknown",
        "_observe_older",
        change("or_(is_unfinished, model.amount == 0)", "is_unfinished"),
        (RECONCILE,),
    ),
    Mutant(
        "the way out of a disputed payment is to try again",
        "in_our_words",
        change("refusal.code in _BY_CODE", "False"),
        (REFUNDS,),
    ),
    Mutant(
        "of an amount that is too large only Stripe's words are said",
        "in_our_words",
        never("refusal.param"),
        (REFUNDS,),
    ),
)
