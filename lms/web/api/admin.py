"""The admins' calls: the queue and its decisions, students and their access, the figures."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from lms import enrollment
from lms.db import LARGEST_ID
from lms.enrollment.requests import Outcome
from lms.models import SourceKind
from lms.queries.admin import course_people as listed_people
from lms.queries.admin import courses
from lms.queries.admin import requests as queued
from lms.queries.admin import students as people
from lms.queries.admin.course_people import CoursePeople, Standing
from lms.queries.admin.requests import RequestQueue
from lms.queries.admin.students import StudentDetail, StudentList
from lms.queries.analytics import Analytics, figures, period
from lms.refusals import (
    AlreadyReviewed,
    CourseFull,
    CourseNotFound,
    NotEnrolled,
    NotFound,
    OfferNotFound,
    PaymentInReview,
    RequestNotFound,
    StudentNotFound,
)
from lms.web import behind
from lms.web.api.inputs import Day, Id, PageNumber, Reason, SearchText
from lms.web.api.operation import Answer, Body, Operations, Query
from lms.web.bounds import MOST_AT_ONCE
from lms.web.session import person

Action = Literal["approve", "reject"]
COUNTED: tuple[Outcome, ...] = (
    "approved",
    "rejected",
    "already_reviewed",
    "not_found",
    "course_full",
)
"""The outcomes that are counted even at 0."""


class QueueQuery(Query):
    """Which part of the queue."""

    page: PageNumber = 1
    q: SearchText = ""
    course_id: Id | None = None


class StudentsQuery(Query):
    """Which part of the list."""

    page: PageNumber = 1
    q: SearchText = ""


class CoursePeopleQuery(StudentsQuery):
    """Which part of the list, and of whom: by progress, and by why they are enrolled."""

    standing: Standing | None = None
    source: SourceKind | None = None


class AnalyticsQuery(Query):
    """Which days, both included, and which course."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    course_id: Id | None = None


class Decide(Body):
    """The decision on a request; the reason is shown to the student."""

    action: Action
    reason: Reason = ""


class DecideMany(Body):
    """One decision for many requests; an unknown id does not affect the others."""

    ids: Annotated[list[int], Field(min_length=1, max_length=MOST_AT_ONCE)]
    action: Action
    reason: Reason = ""


class Pair(Body):
    """A student and a course."""

    student_id: Id
    course_id: Id


class Unenroll(Pair):
    """A student and a course, and why access ends."""

    reason: Reason = ""


class ResetProgress(Pair):
    """A student and a course, and why progress is reset; shown to the student."""

    reason: Annotated[Reason, Field(min_length=1)]


class ProgressResetAnswer(Answer):
    """The student's progress is 0 again."""

    student_id: int
    course_id: int
    progress: int
    reopened_chapters: int


class WithdrawOffer(Body):
    """Why the offer is withdrawn; shown to the student."""

    reason: Reason = ""


class OfferMade(Answer):
    """The seat held for the student, until it is paid for or this time is over."""

    id: int
    expires_at: datetime


class Decided(Answer):
    """What was decided; `offer` where the student has to pay before access begins."""

    status: Literal["approved", "rejected"]
    student_id: int
    course_id: int
    offer: OfferMade | None


class RequestOutcome(Answer):
    """The outcome of one request."""

    id: int
    outcome: Outcome


class DecidedMany(Answer):
    """The outcome of each request, and a count per outcome."""

    results: list[RequestOutcome]
    counts: dict[Outcome, int]


class AdminEnrollment(Answer):
    """An enrollment."""

    student_id: int
    course_id: int
    progress: int
    source: str


class Enrolled(Answer):
    """The student is enrolled."""

    enrollment: AdminEnrollment


class Unenrolled(Answer):
    """The student is no longer enrolled."""

    student_id: int
    course_id: int


def register(operations: Operations) -> None:
    """Add the calls of this module."""
    _register_requests(operations)
    _register_enrollment(operations)
    _register_offers(operations)
    _register_students(operations)
    _register_course_people(operations)
    _register_analytics(operations)


def _register_requests(operations: Operations) -> None:
    @operations.add(
        "GET",
        "/requests",
        role="admin",
        query=QueueQuery,
        answers={200: RequestQueue},
        topics=("requests", "people", "catalogue"),
    )
    def waiting_requests(query: QueueQuery) -> RequestQueue:
        """List the pending requests, longest waiting first."""
        return queued.queue(page=query.page, q=query.q, course_id=query.course_id)

    @operations.add(
        "PATCH",
        "/admin/requests/<int:request_id>",
        role="admin",
        body=Decide,
        answers={200: Decided},
        refusals=[RequestNotFound, AlreadyReviewed, CourseFull, PaymentInReview],
    )
    def decide_request(request_id: int, body: Decide) -> Decided:
        """Approve or reject a request, once."""
        verb = enrollment.approve if body.action == "approve" else enrollment.reject
        made = verb(request_id, by=person().id, reason=body.reason)
        held = made.offer
        return Decided(
            status=made.status,
            student_id=made.student_id,
            course_id=made.course_id,
            offer=OfferMade(id=held.id, expires_at=held.expires_at) if held else None,
        )

    @operations.add(
        "POST", "/admin/requests/bulk", role="admin", body=DecideMany, answers={200: DecidedMany}
    )
    def decide_requests(body: DecideMany) -> DecidedMany:
        """Approve or reject many requests, each independently."""
        possible = [number for number in body.ids if 1 <= number <= LARGEST_ID]
        decided = enrollment.decide_many(possible, body.action, by=person().id, reason=body.reason)
        made: dict[int, Outcome] = {each.request_id: each.outcome for each in decided}
        outcomes = [(number, made.get(number, "not_found")) for number in dict.fromkeys(body.ids)]
        return _summed_up(outcomes)


def _summed_up(outcomes: Sequence[tuple[int, Outcome]]) -> DecidedMany:
    counts = dict.fromkeys(COUNTED, 0) | Counter(outcome for _, outcome in outcomes)
    results = [RequestOutcome(id=number, outcome=outcome) for number, outcome in outcomes]
    return DecidedMany(results=results, counts=counts)


def _register_enrollment(operations: Operations) -> None:
    @operations.add(
        "POST",
        "/enrollment",
        role="admin",
        body=Pair,
        answers={201: Enrolled, 200: Enrolled},
        refusals=[StudentNotFound, CourseNotFound, CourseFull],
    )
    def enroll_student(body: Pair) -> tuple[Enrolled, int]:
        """Enroll a student in any course; a pending request for it is cleared."""
        made = enrollment.enroll(body.student_id, body.course_id, by=person().id)
        enrolled = AdminEnrollment(
            student_id=made.student_id,
            course_id=made.course_id,
            progress=made.progress,
            source=made.source,
        )
        return Enrolled(enrollment=enrolled), 201 if made.is_new else 200

    @operations.add(
        "DELETE",
        "/enrollment",
        role="admin",
        body=Unenroll,
        answers={200: Unenrolled},
        refusals=[StudentNotFound, CourseNotFound],
    )
    def unenroll_student(body: Unenroll) -> Unenrolled:
        """End every source of a student's access to a course; what was learned is kept."""
        try:
            enrollment.unenroll(body.student_id, body.course_id, by=person().id, reason=body.reason)
        except NotEnrolled as refusal:
            # There is nothing here to delete: 404, where a student's own call gets 409.
            raise NotFound(refusal.detail) from refusal
        return Unenrolled(student_id=body.student_id, course_id=body.course_id)

    @operations.add(
        "DELETE",
        "/progress",
        role="admin",
        body=ResetProgress,
        answers={200: ProgressResetAnswer},
        refusals=[StudentNotFound, CourseNotFound, NotEnrolled],
    )
    def reset_progress(body: ResetProgress) -> ProgressResetAnswer:
        """Mark all chapters of a student's course incomplete; access and certificates stay."""
        reopened = enrollment.reset_progress(
            body.student_id, body.course_id, by=person().id, reason=body.reason
        )
        return ProgressResetAnswer(
            student_id=body.student_id,
            course_id=body.course_id,
            progress=0,
            reopened_chapters=reopened,
        )


def _register_offers(operations: Operations) -> None:
    @operations.add(
        "DELETE",
        "/admin/offers/<int:offer_id>",
        role="admin",
        body=WithdrawOffer,
        answers={204: None},
        refusals=[OfferNotFound],
    )
    def withdraw_offer(offer_id: int, body: WithdrawOffer) -> None:
        """Withdraw an open offer; its seat goes to the next student in line."""
        enrollment.withdraw_offer(offer_id, by=person().id, reason=body.reason)


def _register_students(operations: Operations) -> None:
    @operations.add(
        "GET",
        "/students",
        role="admin",
        query=StudentsQuery,
        answers={200: StudentList},
        topics=("people", "access", "requests", "progress"),
    )
    def students(query: StudentsQuery) -> StudentList:
        """List the students by name, with their figures."""
        return people.students(page=query.page, q=query.q)

    @operations.add(
        "GET",
        "/students/<int:student_id>",
        role="admin",
        answers={200: StudentDetail},
        refusals=[StudentNotFound],
        topics=("people", "access", "requests", "progress", "payments", "catalogue"),
    )
    def student(student_id: int) -> StudentDetail:
        """Return everything about one student's access."""
        return people.detail(student_id)


def _register_course_people(operations: Operations) -> None:
    @operations.add(
        "GET",
        "/admin/courses/<int:course_id>/people",
        role="admin",
        query=CoursePeopleQuery,
        answers={200: CoursePeople},
        refusals=[CourseNotFound],
        topics=("access", "people", "progress", "payments", "catalogue"),
    )
    def course_people(course_id: int, query: CoursePeopleQuery) -> CoursePeople:
        """List the students of a course, the latest first."""
        courses.course(course_id)
        return listed_people.people(
            course_id, page=query.page, q=query.q, standing=query.standing, source=query.source
        )


def _register_analytics(operations: Operations) -> None:
    @operations.add(
        "GET",
        "/admin/analytics",
        role="admin",
        query=AnalyticsQuery,
        answers={200: Analytics},
        refusals=[CourseNotFound],
        topics=("catalogue", "requests", "access", "progress", "people", "payments"),
        is_read_behind=True,
    )
    def analytics_figures(query: AnalyticsQuery) -> Analytics:
        """Return the figures for a period, by default the last 90 days."""
        if query.course_id is not None:
            courses.course(query.course_id)
        return behind.read(
            lambda: figures(period(query.from_, query.to), query.course_id), may_lag=True
        )
