"""Why nobody is let in, decided on or marked complete."""

from datetime import datetime

from lms.refusals.base import NotFound, Refusal


class StudentNotFound(NotFound):
    detail = "This student doesn't exist. Search the list of students."


class CourseNotFound(NotFound):
    detail = "This course doesn't exist or isn't open to students. See the list of courses."


class ChapterNotFound(NotFound):
    detail = "This chapter doesn't exist. It may have been deleted. Reload the course."


class RequestNotFound(NotFound):
    detail = "This request doesn't exist. It may have been canceled. Reload the list."
    for_students = (
        "This request is no longer waiting. It may have been canceled, or you may already be"
        " enrolled."
    )


class DecisionNotFound(NotFound):
    detail = "This decision doesn't exist. See the list of decided requests."


class CertificateNotFound(NotFound):
    detail = "This certificate doesn't exist. Check the code character by character."


class NotCompleted(Refusal):
    detail = "Complete every chapter of the course to get your certificate."


class AlreadyEnrolled(Refusal):
    detail = "The student is already enrolled in this course."


class RequestPending(Refusal):
    detail = (
        "Your request for this course is already waiting for a decision. See its status under"
        " Requests."
    )
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
    detail = (
        "This course isn't free, so you can't enroll directly. The course page shows how to get"
        " access."
    )


class ApprovalRequired(Refusal):
    """Only those can buy the course to whom an approval has offered it."""

    detail = "This course needs approval before you can buy it. Request access first."


class OfferNotFound(NotFound):
    detail = "This offer has ended or doesn't exist. Reload the page to see what you can do."
    for_students = "This offer has already ended. The course page shows what you can do now."


class NotPublic(Refusal):
    detail = "This course isn't open for enrollment. Request access instead."


class OpenToAll(Refusal):
    """Everybody is in it, so nobody can leave."""

    detail = "This course is open to every student of the school, so you can't leave it."


class PaidFor(Refusal):
    """Leaving would end what was paid for, or bought with a code."""

    detail = "You bought this course, so only the school can end your access. Contact the school."


class AlreadyReviewed(Refusal):
    """The request has already been decided."""

    def __init__(self, *, decided_by: str, decided_at: datetime, decision: str) -> None:
        super().__init__(
            f"{decided_by or 'Someone'} has already {decision} this request. Reload the list."
        )
        self.for_students = (
            f"Your request has already been {decision}. See the decision under Requests."
        )
        self.decided_by = decided_by
        self.decided_at = decided_at
        self.decision = decision


class AlreadyUndone(Refusal):
    detail = "This decision has already been undone. Reload the list."


class TooLateToUndo(Refusal):
    """The decision is too old to undo."""
