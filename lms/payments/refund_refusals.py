"""What it means that Stripe refuses a refund, and the way out, for the admin who asked for it."""

from lms.payments.gateway import Declined

_LOOK = "Choose “Reconcile now” in the list of payments, and this page will show it."
_BY_CODE = {
    # Also where the bank has taken back a part only.
    "charge_disputed": (
        "Stripe doesn't refund a payment once a bank has taken money back from it. Send what you"
        " owe by bank transfer instead."
    ),
    "charge_already_refunded": f"The payment has already been fully refunded in Stripe. {_LOOK}",
}
"""By the codes of https://docs.stripe.com/error-codes."""
_TOO_MUCH = (
    "Less than this amount is left in Stripe. Choose “Reconcile now” in the list of payments, and"
    " then refund what is left."
)


def in_our_words(refusal: Declined) -> str:
    """Return why Stripe refuses a refund and what to do; where no rule is known, in its words."""
    if refusal.code in _BY_CODE:
        return _BY_CODE[refusal.code]
    if refusal.param == "amount":
        return _TOO_MUCH
    return (
        f"Its reason: “{refusal}” Refund the payment in Stripe's dashboard, and this page will show"
        " the refund."
    )
