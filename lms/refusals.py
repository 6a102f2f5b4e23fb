"""Why a verb refuses: each error names the fact, and its message says what to do next."""

from datetime import datetime

from lms.texts import counted


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The portal understood the call and refused it; nothing was changed."""

    detail = "This isn't possible."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.detail
        super().__init__(self.detail)


class NotFound(Refusal):
    detail = "This doesn't exist, or has been deleted."


class StudentNotFound(NotFound):
    detail = "This student doesn't exist. Search the list of students."


class UserNotFound(NotFound):
    detail = "This account doesn't exist. It may have been deleted."


class CourseNotFound(NotFound):
    detail = "This course doesn't exist or isn't open to students. See the list of courses."


class FileNotFound(NotFound):
    detail = "This file doesn't exist. It may have been deleted. Reload the course."


class FileLost(Refusal):
    detail = "The file isn't on the server anymore. Upload it again."


class UploadNotFound(NotFound):
    detail = "This upload isn't on the server anymore. Choose the file again."


class UploadIncomplete(Refusal):
    detail = "Part of the file is missing. Choose it again: what has arrived isn't sent twice."


class WrongOffset(Refusal):
    """A piece of an upload doesn't begin where what has come ends, at `offset`."""

    detail = (
        "This part of the file has arrived already, or one before it is missing. Ask how much has"
        " arrived, and go on from there."
    )

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class ChapterNotFound(NotFound):
    detail = "This chapter doesn't exist. It may have been deleted. Reload the course."


class RequestNotFound(NotFound):
    detail = "This request doesn't exist. It may have been canceled. Reload the list."


class DecisionNotFound(NotFound):
    detail = "This decision doesn't exist. See the list of decided requests."


class PaymentNotFound(NotFound):
    detail = "This payment doesn't exist. See the list of payments."


class ErasureNotRequested(NotFound):
    detail = "This person has no erasure request waiting. Reload the list."


class ErasureChanged(Refusal):
    detail = "The request has changed since you opened this page. Read it again before you erase."


class SettingsChanged(Refusal):
    """Another admin was faster; `fields` differ from what there is, which is of this `version`."""

    detail = "Another admin has changed the settings since you opened this page."

    def __init__(self, fields: tuple[str, ...] = (), version: int = 0) -> None:
        self.fields, self.version = fields, version
        super().__init__()


class CertificateNotFound(NotFound):
    detail = "This certificate doesn't exist. Check the code character by character."


class NotCompleted(Refusal):
    detail = "Complete every chapter of the course to get your certificate."


class AlreadyEnrolled(Refusal):
    detail = "The student is already enrolled in this course."


class RequestPending(Refusal):
    detail = "A request for this course is already waiting for a decision."
    has_offer = "A seat in this course is held for you. Buy the course, or decline the offer first."


class NotEnrolled(Refusal):
    detail = "The student isn't enrolled in this course."
    for_students = "You aren't enrolled in this course."


class CourseFull(Refusal):
    detail = "This course is full. Raise its capacity, or wait for a seat to open."
    for_approved = (
        "This course is full. The request is approved and is waiting in line for the next"
        " available seat."
    )
    for_students = "This course is full. Request access to be considered when a seat opens."


class PaymentRequired(Refusal):
    detail = "This course must be bought or requested."


class ApprovalRequired(Refusal):
    """Only those can buy the course to whom an approval has offered it."""

    detail = "This course needs approval before you can buy it. Request access first."


class OfferNotFound(NotFound):
    detail = "This offer has ended or doesn't exist. Reload the page to see what you can do."


class NotPublic(Refusal):
    detail = "This course isn't open for enrollment. Request access instead."


class OpenToAll(Refusal):
    """Everybody is in it, so nobody can leave."""

    detail = "This course is open to every student of the school, so you can't leave it."


class PaidFor(Refusal):
    """Leaving would end what was paid for, or bought with a code."""

    detail = "You bought this course, so only the school can end your access. Contact the school."


class Invalid(Refusal):
    """A value is not valid; `field` names the input to change."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class NoRoom(Invalid):
    """A file is too much for all the room that files may take."""


class AddressNotConfirmed(Refusal):
    """Nobody gets anything by an address that may be somebody else's."""

    detail = (
        "This person's e-mail address isn't confirmed, so they can't be enrolled or made an admin."
        " Ask them to confirm it, or confirm it on their page."
    )


class VerificationNotPossible(Refusal):
    detail = "This link has been used or has expired. Request a new one."


class AddressConfirmed(Refusal):
    """There is nothing left to confirm."""

    detail = "This address is already confirmed."


class InvitationAccepted(Refusal):
    """The account has a password, by this link or otherwise."""

    detail = "This account already has a password. Sign in, or choose “Forgot your password?”."
    for_signed_in = "This invitation has already been used."


class InvitationNotPossible(Refusal):
    detail = (
        "The link has expired, or the account was changed or deactivated. We can send a new link"
        " to your address. If it doesn't arrive, ask the school."
    )


class SchoolIsOpen(Refusal):
    """There is an admin, so nobody can become the first one."""

    detail = (
        "This school already has an admin. An admin can make someone else an admin on that"
        " person's page, and `flask users create EMAIL --name NAME --role admin` adds one."
    )
    for_visitors = "This school is already set up. Sign in."


class SetupNotPossible(Refusal):
    detail = (
        "The link has expired or is incomplete. Restart the portal, or run `flask setup-link`, to"
        " get a new one."
    )


class FormNotKept(Refusal):
    detail = "This has already been sent, or is too old to send. Check what was saved."


class AddressChangeNotPossible(Refusal):
    detail = (
        "This link has been used or has expired, or belongs to another account."
        " Change your address in your profile to get a new one."
    )


class AddressUndoNotPossible(Refusal):
    detail = "This link has been used or has expired. Ask your school for help."


class ReasonMissing(Invalid):
    detail = "Enter a reason. The student will see it."

    def __init__(self) -> None:
        super().__init__("reason", self.detail)


class EmailTaken(Invalid):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__(
            "email", "An account with this e-mail address already exists. Enter a different one."
        )


class AlreadyReviewed(Refusal):
    """The request has already been decided."""

    def __init__(self, *, decided_by: str, decided_at: datetime, decision: str) -> None:
        super().__init__(
            f"{decided_by or 'Someone'} has already {decision} this request. Reload the list."
        )
        self.decided_by = decided_by
        self.decided_at = decided_at
        self.decision = decision


class AlreadyUndone(Refusal):
    detail = "This decision has already been undone. Reload the list."


class TooLateToUndo(Refusal):
    """The decision is too old to undo."""


class WrongCredentials(Refusal):
    detail = "The e-mail or password is wrong. Try again, or reset your password below."


class SecondFactorNeeded(Refusal):
    """The password is right; no session begins before the second step."""

    detail = "Enter the code from your second factor."

    def __init__(self, *, user_id: int, email: str, password_hash: str) -> None:
        super().__init__()
        self.user_id = user_id
        self.email = email
        self.password_hash = password_hash
        """The one that was verified: the second step ends with it."""


class WrongCode(Refusal):
    detail = "This code is wrong. Enter the one that your app shows now, or a recovery code."
    without_app = "This code is wrong. Enter one of your recovery codes."


class CodeUsed(WrongCode):
    detail = "This code has been used. Wait until your app shows the next one."


class PasskeyRefused(Refusal):
    detail = "This passkey didn't work here. Try again, or use another method."


class FactorKnown(Refusal):
    detail = "This is already one of your second factors. Add a different one."


class LastFactor(Refusal):
    detail = "This school requires a second factor. Add another one before you remove this one."


class NoFactor(Refusal):
    detail = "Recovery codes only work with a second factor. Add one first."


class ResetNotPossible(Refusal):
    detail = "This link has been used or has expired. Request a new one here."


class RateLimited(Refusal):
    """Too many attempts; try again after `retry_after` seconds."""

    def __init__(self, retry_after: int = 60, *, limit: str = "") -> None:
        super().__init__(f"Too many attempts. {_when_again(retry_after)}")
        self.retry_after = retry_after
        self.limit = limit
        """Which one it was, for the log."""

    @property
    def is_long(self) -> bool:
        """Whether nobody waits for it at the page."""
        return self.retry_after >= _LONG_WAIT


_LONG_WAIT = 7200


def _when_again(seconds: int) -> str:
    if seconds >= _LONG_WAIT:
        return f"Try again in {counted(-(-seconds // 3600), 'hour')}."
    wait = (seconds, "second") if seconds < 120 else (-(-seconds // 60), "minute")
    return f"Wait {counted(*wait)} and try again."


class Busy(Refusal):
    """Nothing is wrong with the call but its moment; try again after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class PaymentsUnavailable(Refusal):
    detail = "Payments aren't available right now. Try again later, or contact the school."


class PaymentsNotConfigured(PaymentsUnavailable):
    detail = "Payments are not configured. Request access instead."
    for_offer = "Payments are not configured. Contact the school about how to pay."


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
    unknown = "Stripe hasn't reported yet how much was paid. Try again once it has."
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


class KeyReused(Refusal):
    """An id that its caller chose stands for something else already."""

    detail = (
        "This Idempotency-Key was used for another payment, amount or time. Send the same values"
        " again, or use a new key."
    )
    for_forms = (
        "This form was already sent with different values. Check what was recorded. If this is a"
        " different payment or refund, send the form again."
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


class SyncRunning(Refusal):
    detail = "Another repair is running. Wait for it to finish, then check its result."


class RunNotFound(NotFound):
    detail = "This run doesn't exist. See the list of runs."
