"""What Stripe asks for in a dispute, by the reason that the bank gives.

The fields are those of Stripe's form (https://docs.stripe.com/api/disputes/evidence_object), which
a test holds to the pinned SDK; which of them a reason needs follows Stripe's categories of reasons,
for what is sold online and not sent.
"""

SOURCE = "https://docs.stripe.com/disputes/categories"
WHAT = {
    "access_activity_log": "A log of when the student opened what was bought",
    "cancellation_policy": "Your cancellation policy, as the student saw it",
    "cancellation_policy_disclosure": "How and when the student saw it before paying",
    "cancellation_rebuttal": "Why the purchase was not canceled",
    "customer_communication": "E-mails with the student",
    "customer_email_address": "The student's e-mail address",
    "customer_name": "The student's name",
    "duplicate_charge_documentation": "A document about the other payment",
    "duplicate_charge_explanation": "What each of the two payments was for",
    "duplicate_charge_id": "The other payment's charge at Stripe",
    "product_description": "What was sold, and how it was described",
    "receipt": "The receipt",
    "refund_policy": "Your refund policy, as the student saw it",
    "refund_policy_disclosure": "How and when the student saw it before paying",
    "refund_refusal_explanation": "Why the student has no right to a refund",
    "service_date": "When access began",
    "service_documentation": "Proof that access was given",
    "uncategorized_text": "Anything else that could help the bank decide",
}
_BUYER = ("customer_name", "customer_email_address", "receipt", "access_activity_log")
_USED = ("product_description", "service_date", "service_documentation", "access_activity_log")
_REFUND = ("refund_policy", "refund_policy_disclosure", "refund_refusal_explanation")
_CANCELED = ("cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal")
_GENERAL = (*_BUYER, "customer_communication", "uncategorized_text")
_BY_REASON: dict[str, tuple[str, ...]] = {
    "credit_not_processed": (*_REFUND, "customer_communication"),
    "duplicate": (
        *("duplicate_charge_id", "duplicate_charge_explanation", "duplicate_charge_documentation"),
        "receipt",
    ),
    "fraudulent": (*_BUYER, "customer_communication"),
    "product_not_received": (*_USED, "customer_communication"),
    "product_unacceptable": (*_USED, *_REFUND, "customer_communication"),
    "subscription_canceled": (*_CANCELED, "access_activity_log", "customer_communication"),
    "unrecognized": (*_BUYER, "product_description"),
}


def asked_for(reason: str) -> dict[str, str]:
    """Return the fields that decide about a dispute of this reason, and what each means."""
    return {field: WHAT[field] for field in _BY_REASON.get(reason, _GENERAL)}
