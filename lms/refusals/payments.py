"""Why nothing is bought, recorded or refunded."""

from lms.refusals.base import NotFound, Refusal


class PaymentNotFound(NotFound):
    detail = "This payment doesn't exist. See the list of payments."


class PaymentsUnavailable(Refusal):
    detail = "Payments aren't available right now. Try again later, or contact the school."


class PaymentsNotConfigured(PaymentsUnavailable):
    """There is no Stripe; `says_how` is whether the course page says how else to pay."""

    def __init__(self, *, has_offer: bool = False, says_how: bool = False) -> None:
        way = way_without_stripe(has_offer=has_offer, says_how=says_how)
        super().__init__(f"Payments are not configured. {way}")


def way_without_stripe(*, has_offer: bool, says_how: bool) -> str:
    """Return what a student who wants a course can do, said elsewhere than on its page."""
    if has_offer:
        told = "The course page says how to pay."
        return told if says_how else "Contact the school about how to pay."
    told = "Pay as described on the course page, or request access instead."
    return told if says_how else "Request access instead."


class Unverified(Refusal):
    """The request claims to come from Stripe, but is malformed or not signed by it."""


class PaymentInProgress(Refusal):
    detail = (
        "Your payment for this course is processing. We'll enroll you when your bank confirms it. "
        "See its status under Payments."
    )
    for_offer = (
        "Your payment for this course is processing, so you can't decline the offer now. To get the"
        " money back, contact the school."
    )


class PaymentInReview(Refusal):
    """Money for this course is there already, and gives no access yet."""

    detail = (
        "You've already paid for this course, so don't pay again. The school is reviewing that"
        " payment. See its status under Payments, or contact the school."
    )
    for_seat = (
        "You've already paid for this course, so don't pay again. The next available seat goes"
        " to the student who paid first. See your payment under Payments, or ask the school for"
        " a refund."
    )
    for_admins = (
        "The student has already paid for this course, and that payment needs review. Accept it,"
        " refund it or mark it as reviewed on its page, then decide on this request."
    )


class NotAcceptable(Refusal):
    detail = (
        "There is nothing to accept: the amount of this payment isn't in question. See its status."
    )
    unknown = "Stripe hasn't yet reported how much was paid. Try again once it has."
    foreign = "This was paid in a currency other than the course's. Refund it instead."


class NotRefundable(Refusal):
    detail = (
        "There is nothing to refund: this payment wasn't completed, or the money has been returned."
    )
    nothing_left = "This payment has nothing left to refund."


class NotRefundableHere(NotRefundable):
    detail = (
        "This payment can't be refunded here, because it has no payment intent in Stripe. "
        "Refund it where it was paid."
    )


class RefundInDispute(NotRefundable):
    detail = (
        "This payment can't be refunded while the bank's dispute is open. Respond to it in Stripe."
    )


class RefundPending(NotRefundable):
    detail = (
        "An earlier refund of this amount isn't confirmed yet. Wait until Stripe confirms it. The"
        " payment's page shows its status."
    )
    recorded = (
        "A refund of {} is already recorded for this payment. If this is another one, enter its"
        " reference."
    )


class ReferenceUsed(Refusal):
    detail = (
        "This student already has a payment with this reference for this course. If it's the same"
        " payment, it's already recorded. Otherwise, use another reference."
    )


class RefundDelayed(PaymentsUnavailable):
    detail = (
        "Stripe can't be reached right now. The refund is saved, and will be sent within minutes"
        " once Stripe answers again. Don't request it a second time."
    )
