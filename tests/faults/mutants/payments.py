"""Faults in payments."""

from tests.faults.mutants.breaking import (
    always,
    change,
    drop_argument,
    drop_call,
    drop_keyword,
    drop_operand,
    drop_statement,
    instead_of_raising,
    never,
    returns,
)
from tests.faults.mutants.mutant import Mutant

PROJECTION, INBOX, WEBHOOK, CHECKOUT, REFUNDS, RECONCILE = (
    f"tests/payments/test_{name}.py"
    for name in ("projection", "inbox", "webhook", "checkout", "refunds", "reconcile")
)
PAGES = "tests/web/test_payments.py"
ENDINGS = "tests/payments/test_endings.py"

MUTANTS = (
    Mutant(
        "an event is applied again and again",
        "_inbox_row",
        change("StripeEvent.status == 'failed'", "StripeEvent.id > 0"),
        (INBOX,),
    ),
    Mutant(
        "a failed event counts as dealt with",
        "_inbox_row",
        change("'failed'", "'nothing'"),
        (INBOX,),
    ),
    Mutant(
        "a failure leaves no row",
        "receive",
        drop_call("_remember_failure"),
        (INBOX,),
    ),
    Mutant(
        "a failure is answered as done",
        "receive",
        instead_of_raising("return 'done'"),
        (INBOX,),
    ),
    Mutant(
        "the other livemode is believed",
        "_receive",
        never("is_foreign"),
        (INBOX,),
    ),
    Mutant(
        "money moves without an entry in the trail",
        "publish_changes",
        drop_call("record_all"),
        (ENDINGS,),
    ),
    Mutant(
        "money moves without a word to who paid",
        "publish_changes",
        drop_call("announce_payments"),
        (ENDINGS,),
    ),
    Mutant(
        "who lost the account is not written to",
        "_news",
        change("'account_removed'", "'nobody'"),
        (ENDINGS,),
    ),
    Mutant(
        "what an old school sent back is forgotten",
        "project",
        never("session is None"),
        (ENDINGS,),
    ),
    Mutant(
        "a second end of access is taken for the first",
        "lms.ledger.payment_changes:_news",
        never("'access_ended'"),
        (ENDINGS,),
    ),
    Mutant(
        "the amount is not compared",
        "lms.ledger.projection:_review",
        never("other_amount"),
        (PROJECTION,),
    ),
    Mutant(
        "a failed refund of an imported payment counts for ever",
        "_refunded_by_record",
        drop_operand("returned_to_us"),
        (PROJECTION,),
    ),
    Mutant(
        "a partial refund takes everything",
        "_paid_status",
        change("gone and gone >= taken", "gone"),
        (PROJECTION,),
    ),
    Mutant(
        "a refund under way counts as made",
        "project",
        change("refund.status == 'succeeded'", "refund.status != 'failed'"),
        (PROJECTION,),
    ),
    Mutant(
        "a dispute suspends nothing",
        "_paid_status",
        change("'disputed'", "'paid'"),
        (PROJECTION,),
    ),
    Mutant(
        "an inquiry suspends",
        "_paid_status",
        change("statuses - _INQUIRY", "statuses"),
        (PROJECTION,),
    ),
    Mutant(
        "access that an admin has ended comes back",
        "lms.ledger.projection:_ended",
        never("access_ended_at"),
        (PROJECTION,),
    ),
    Mutant(
        "of sessions, the last telling wins",
        "merge_sessions",
        change("max(one, other, key=_session_rank)", "other"),
        (PROJECTION,),
    ),
    Mutant(
        "of refunds, the last telling wins",
        "merge_refunds",
        change("max(one, other, key=_refund_rank)", "other"),
        (PROJECTION,),
    ),
    Mutant(
        "of disputes, the last telling wins",
        "merge_disputes",
        change("max(one, other, key=_dispute_rank)", "other"),
        (PROJECTION,),
    ),
    Mutant(
        "what a later telling leaves out is forgotten",
        "merge_refunds",
        (drop_keyword("amount"), drop_keyword("currency")),
        (PROJECTION,),
    ),
    Mutant(
        "what an event leaves out is not asked for",
        "lms.payments.inbox:_completed",
        drop_keyword("fact"),
        (INBOX,),
    ),
    Mutant(
        "an unpaid checkout enrolls",
        "_session_state",
        change("data.get('payment_status') in ...", "data.get('status') == 'complete'"),
        (PROJECTION,),
    ),
    Mutant(
        "a refund takes what other sources give",
        "end_sources",
        always("remaining", "source.pair"),
        (INBOX,),
    ),
    Mutant(
        "a full course fails the webhook",
        "_give_bought",
        change("CourseFull", "UserNotFound"),
        (INBOX,),
    ),
    Mutant(
        "refunds that come first are forgotten",
        "refunds",
        change(
            "StripeRefund.payment_intent == intent", "StripeRefund.created_at > payment.created_at"
        ),
        (INBOX,),
    ),
    Mutant(
        "the inbox keeps whole objects",
        "read_event",
        change("_without_secrets(...)", "dict(subject)"),
        (INBOX,),
    ),
    Mutant(
        "an old signature is good for ever",
        "TOLERANCE_SECONDS",
        change("300", "0"),
        (WEBHOOK,),
    ),
    Mutant(
        "a signature from the future is good until then",
        "_is_signed",
        returns("True", "int(signed_at) <= time.time() + TOLERANCE_SECONDS"),
        (WEBHOOK,),
    ),
    Mutant(
        "a wrong signature is good",
        "_is_signed",
        returns("True", "False"),
        (WEBHOOK,),
    ),
    Mutant(
        "only one secret is known during a rotation",
        "verified_event",
        change("known", "known[:1]", "_is_signed"),
        (WEBHOOK,),
    ),
    Mutant(
        "each press opens a checkout of its own",
        "Gateway.create_checkout",
        change("f'checkout-{offer.reference}{self._terms.key}'", "f'checkout-{now()}'"),
        (CHECKOUT,),
    ),
    Mutant(
        "a changed price is not noticed",
        "_is_outdated",
        change(
            "(payment.amount_cents, payment.currency) != ...",
            "payment.amount_cents < 0",
        ),
        (CHECKOUT,),
    ),
    Mutant(
        "a checkout is believed to be open for ever",
        "_is_open",
        returns("True", "fact"),
        (CHECKOUT,),
    ),
    Mutant(
        "a checkout stays open for what is owned already",
        "_proceed",
        drop_statement("suppress"),
        (CHECKOUT,),
    ),
    Mutant(
        "who is enrolled is charged",
        "_refusal",
        never("enrolled"),
        (CHECKOUT,),
    ),
    Mutant(
        "a yen is a hundredth",
        "lms.money:decimals",
        change("2 if known is None else known.decimals", "2"),
        (CHECKOUT,),
    ),
    Mutant(
        "a refund changes the state before Stripe says so",
        "_ask",
        change("replace(fact, status='pending', succeeded_at=None, request=written.key)", "fact"),
        (REFUNDS,),
    ),
    Mutant(
        "more is refunded than was paid",
        "_write_down",
        change("1 <= amount <= left", "1 <= amount"),
        (REFUNDS,),
    ),
    Mutant(
        "reconciliation goes on past a failure",
        "_finish",
        change("report.is_complete", "report.until"),
        (RECONCILE,),
    ),
    Mutant(
        "anybody sees a payment",
        "_receipt",
        drop_argument("Payment.user_id == student_id"),
        (PAGES,),
    ),
    Mutant(
        "a payment is settled without a word",
        "write",
        drop_call("publish_changes"),
        (INBOX,),
    ),
    Mutant(
        "what needs attention anew stays dismissed",
        "write",
        change("(result.attention, None)", "(result.attention, payment.dismissed_attention)"),
        ("tests/ledger/test_payments.py",),
    ),
    Mutant(
        "a buyer who is no student any more is let in",
        "_deliver",
        never("user.role"),
        (INBOX,),
    ),
    Mutant(
        "what is paid back keeps its access",
        "_end_bought",
        change("end_sources(...)", "False"),
        (INBOX,),
    ),
    Mutant(
        "the end of a course changes payments that gave no access",
        "_move",
        drop_argument("Payment.status"),
        (ENDINGS,),
    ),
)
