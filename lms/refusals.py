"""Why a verb refuses: each error names the fact, and its message says the way out."""

from datetime import datetime


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The portal understood, and says no; nothing was changed."""

    detail = "This is not possible."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.detail
        super().__init__(self.detail)


class NotFound(Refusal):
    detail = "This does not exist, or no longer does."


class StudentNotFound(NotFound):
    detail = "There is no such student. Search for the student in the list."


class UserNotFound(NotFound):
    detail = "There is no such account."


class CourseNotFound(NotFound):
    detail = "There is no such course, or it is not open to students. See the list of courses."


class ChapterNotFound(NotFound):
    detail = "There is no such chapter; it may have been removed. Open the course again."


class RequestNotFound(NotFound):
    detail = "There is no such request; it may have been cancelled. Refresh the list."


class DecisionNotFound(NotFound):
    detail = "There is no such decision. See the list of decided requests."


class PaymentNotFound(NotFound):
    detail = "There is no such payment. See the list of payments."


class CertificateNotFound(NotFound):
    detail = "There is no such certificate. Check the code, letter by letter."


class NotCompleted(Refusal):
    detail = "The certificate is yours as soon as you have completed every chapter of the course."


class AlreadyEnrolled(Refusal):
    detail = "The student is already enrolled in this course."


class RequestPending(Refusal):
    detail = "There is already a request for this course; it waits for a decision."


class NotEnrolled(Refusal):
    detail = "The student is not enrolled in this course."


class CourseFull(Refusal):
    detail = "All seats of this course are taken. Request access to wait; an admin can add seats."


class PaymentRequired(Refusal):
    detail = "This course is bought, or requested; it cannot be joined directly."


class NotPublic(Refusal):
    detail = "This course cannot be joined directly. Request access instead."


class Invalid(Refusal):
    """A value does not fit; `field` names the input that has to change."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class AlreadyReviewed(Refusal):
    """Somebody has decided the request already."""

    def __init__(self, *, decided_by: str, decided_at: datetime, decision: str) -> None:
        super().__init__(
            f"{decided_by or 'Somebody'} has already {decision} this request. Refresh the list."
        )
        self.decided_by = decided_by
        self.decided_at = decided_at
        self.decision = decision


class AlreadyUndone(Refusal):
    detail = "This decision has already been undone. Refresh the list."


class TooLateToUndo(Refusal):
    """The decision is older than can be taken back."""


class WrongCredentials(Refusal):
    detail = "E-mail or password is wrong. Check both, or ask for a new password below."


class ResetNotPossible(Refusal):
    detail = "This link was used already or is older than an hour. Ask for a new one here."


class RateLimited(Refusal):
    """Too many tries; `retry_after` seconds later there are new ones."""

    def __init__(self, retry_after: int = 60) -> None:
        wait = f"{retry_after} seconds" if retry_after < 120 else f"{-(-retry_after // 60)} minutes"
        super().__init__(f"Too many tries. Wait {wait} and try again.")
        self.retry_after = retry_after


class PaymentsUnavailable(Refusal):
    detail = "Payments are not available right now. Request access instead, or try again later."


class PaymentsNotConfigured(PaymentsUnavailable):
    detail = "Payments are not configured here. Request access instead."


class Unverified(Refusal):
    """What claims to come from Stripe was not signed by it, or is not what Stripe would send."""


class PaymentInProgress(Refusal):
    detail = (
        "Your payment for this course is on its way; the course opens as soon as your bank "
        "confirms. See your payments."
    )


class NotRefundable(Refusal):
    detail = "There is nothing to refund: this payment was not made, or went back already."


class SyncRunning(Refusal):
    detail = "An auto-fix is running already. Wait until it has finished and look at its result."


class RunNotFound(NotFound):
    detail = "There is no such auto-fix run. See the history of runs."
