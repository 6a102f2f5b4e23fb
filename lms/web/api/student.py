"""A student's courses, learning, requests and payments as JSON."""

from collections.abc import Callable

from lms import enrollment
from lms.queries import student as queries
from lms.refusals import (
    AlreadyEnrolled,
    AlreadyReviewed,
    ChapterNotFound,
    CourseFull,
    CourseNotFound,
    NotEnrolled,
    NotPublic,
    OfferNotFound,
    OpenToAll,
    PaidFor,
    PaymentInProgress,
    PaymentRequired,
    RateLimited,
    RequestNotFound,
    RequestPending,
)
from lms.web.api.inputs import Id, Message
from lms.web.api.operation import Answer, Body, Operations, View
from lms.web.session import person


class Catalog(Answer):
    """Every course open to students."""

    courses: list[queries.CourseCard]


class EnrolledCourses(Answer):
    """The student's courses."""

    courses: list[queries.EnrolledCourse]


class ProgressDetails(Answer):
    """The student's courses, chapter by chapter."""

    courses: list[queries.CourseProgress]


class Requests(Answer):
    """The student's requests, decided ones included."""

    requests: list[queries.StudentRequest]


class Payments(Answer):
    """The student's payments."""

    payments: list[queries.StudentPayment]


class Offers(Answer):
    """The student's open offers."""

    offers: list[queries.StudentOffer]


class NewRequest(Body):
    """Which course to request, with a message for the admin."""

    course_id: Id
    message: Message = ""


class RequestAnswer(Answer):
    """A new pending request."""

    request: queries.StudentRequest


class CourseChoice(Body):
    """The course to enroll in, or to leave."""

    course_id: Id


class EnrollmentFacts(Answer):
    """The student's enrollment in a course, and its source."""

    course_id: int
    progress: int
    source: str


class EnrollmentAnswer(Answer):
    """The student's enrollment in a course."""

    enrollment: EnrollmentFacts


class ChapterMark(Body):
    """Which chapter to mark complete or incomplete."""

    chapter_id: Id
    completed: bool = True


class ChapterMarked(Answer):
    """The student's progress in the chapter's course."""

    course_id: int
    chapter_id: int
    progress: int
    completed_chapters: int
    total_chapters: int


def register(operations: Operations) -> None:
    """Add the calls of this module."""
    _register_lists(operations)
    _register_requests(operations)
    _register_offers(operations)
    _register_learning(operations)


def _register_lists(operations: Operations) -> None:
    @_read(operations, "/student/courses", Catalog)
    def student_courses() -> Catalog:
        """List every course open to students, with the student's access to each."""
        return Catalog(courses=queries.courses(person().id))

    @_read(operations, "/student/enrolled-courses", EnrolledCourses)
    def student_enrolled_courses() -> EnrolledCourses:
        """List the student's courses, latest activity first."""
        return EnrolledCourses(courses=queries.enrolled_courses(person().id))

    @_read(operations, "/student/progress-details", ProgressDetails)
    def student_progress_details() -> ProgressDetails:
        """Return the student's progress, chapter by chapter."""
        return ProgressDetails(courses=queries.progress_details(person().id))

    @_read(operations, "/student/stats", queries.StudentStats)
    def student_stats() -> queries.StudentStats:
        """Count the student's courses, chapters and requests."""
        return queries.stats(person().id)

    @_read(operations, "/student/payments", Payments)
    def student_payments() -> Payments:
        """List the student's payments, the newest first."""
        return Payments(payments=queries.payments(person().id))


def _read(operations: Operations, path: str, answer: type) -> Callable[[View], View]:
    """Declare a GET of what only the student's own doings and the catalog change."""
    return operations.add("GET", path, role="student", answers={200: answer}, topics=("catalogue",))


def _register_requests(operations: Operations) -> None:
    @_read(operations, "/student/requests", Requests)
    def student_requests() -> Requests:
        """List the student's requests, decided ones included, the newest first."""
        return Requests(requests=queries.requests(person().id))

    @operations.add(
        "POST",
        "/student/requests",
        role="student",
        answers={201: RequestAnswer},
        body=NewRequest,
        refusals=[CourseNotFound, AlreadyEnrolled, RequestPending, RateLimited],
    )
    def request_access(body: NewRequest) -> RequestAnswer:
        """Request access to a course."""
        made = enrollment.request_access(person().id, body.course_id, message=body.message)
        return RequestAnswer(
            request=queries.StudentRequest(
                id=made.id,
                course_id=made.course_id,
                course_title=queries.course_title(made.course_id),
                status="pending",
                message=made.message,
                reason=None,
                requested_at=made.requested_at,
                reviewed_at=None,
                is_open=True,
                offer=None,
            )
        )

    @operations.add(
        "DELETE",
        "/student/requests/<int:request_id>",
        role="student",
        answers={204: None},
        refusals=[RequestNotFound, AlreadyReviewed],
    )
    def cancel_request(request_id: int) -> None:
        """Cancel a pending request."""
        enrollment.cancel_request(request_id, by=person().id)


def _register_offers(operations: Operations) -> None:
    @_read(operations, "/student/offers", Offers)
    def student_offers() -> Offers:
        """List the student's open offers, the first to expire before the others."""
        return Offers(offers=queries.offers(person().id))

    @operations.add(
        "DELETE",
        "/student/offers/<int:offer_id>",
        role="student",
        answers={204: None},
        refusals=[OfferNotFound, PaymentInProgress],
    )
    def decline_offer(offer_id: int) -> None:
        """Decline an offer; its seat goes to the next student in line."""
        enrollment.decline_offer(offer_id, by=person().id)


def _register_learning(operations: Operations) -> None:
    @operations.add(
        "POST",
        "/student/enroll",
        role="student",
        answers={201: EnrollmentAnswer, 200: EnrollmentAnswer},
        body=CourseChoice,
        refusals=[CourseNotFound, PaymentRequired, NotPublic, CourseFull],
    )
    def enroll_directly(body: CourseChoice) -> tuple[EnrollmentAnswer, int]:
        """Enroll in a course that is public and free."""
        result = enrollment.enroll_directly(person().id, body.course_id)
        facts = EnrollmentFacts(
            course_id=result.course_id, progress=result.progress, source=result.source
        )
        return EnrollmentAnswer(enrollment=facts), 201 if result.is_new else 200

    @operations.add(
        "DELETE",
        "/student/enroll",
        role="student",
        answers={204: None},
        body=CourseChoice,
        refusals=[CourseNotFound, NotEnrolled, OpenToAll, PaidFor],
    )
    def leave(body: CourseChoice) -> None:
        """Leave a course that wasn't bought; what was completed is kept."""
        enrollment.leave(person().id, body.course_id)

    @operations.add(
        "POST",
        "/student/chapters/complete",
        role="student",
        answers={200: ChapterMarked},
        body=ChapterMark,
        refusals=[ChapterNotFound, NotEnrolled],
    )
    def complete_chapter(body: ChapterMark) -> ChapterMarked:
        """Mark a chapter complete or incomplete."""
        verb = enrollment.complete_chapter if body.completed else enrollment.reopen_chapter
        standing = verb(person().id, body.chapter_id)
        return ChapterMarked.model_validate(standing, from_attributes=True)
