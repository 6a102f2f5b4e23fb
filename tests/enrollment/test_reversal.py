"""Taking a decision back: as if the request had never left the queue."""

from datetime import timedelta

import pytest

from lms import enrollment, sync
from lms.db import at, now
from lms.models import UNDO_WITHIN
from lms.queries import analytics
from lms.queries import student as students
from lms.queries.analytics.period import period
from lms.queries.explain import pair
from lms.refusals import (
    AlreadyUndone,
    CourseNotFound,
    DecisionNotFound,
    RequestNotFound,
    StudentNotFound,
    TooLateToUndo,
)
from tests.builders import a_chapter, a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail

WAITING = "SELECT student_id, course_id, message, status FROM access_requests"


def test_a_rejection_taken_back_waits_at_its_old_place(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course, "I have read the book.")
    a_request(a_student(), course)
    [(asked,)] = sql("SELECT created_at FROM access_requests WHERE id = :id", id=request)
    decision = enrollment.reject(request, by=admin).decision_id
    trail()

    with touches("requests", students=[student]):
        undone = enrollment.undo_decision(decision, by=admin)

    first = sql("SELECT id, student_id, message, created_at FROM access_requests")
    assert min(first, key=lambda row: row.created_at) == (
        undone.request_id,
        student,
        "I have read the book.",
        asked,
    )
    [entry] = trail()
    assert (entry.action, entry.actor_id, entry.student_id) == ("decision.undone", admin, student)
    assert entry.details == {
        "decision": decision,
        "status": "rejected",
        "request_id": undone.request_id,
    }


def test_an_approval_taken_back_ends_its_access_and_keeps_what_was_learned(
    sql: Sql, touches: Touches
) -> None:
    student, course, admin = a_student(), a_course(capacity=1), an_admin()
    chapter = a_chapter(course)
    decision = enrollment.approve(a_request(student, course), by=admin).decision_id
    enrollment.complete_chapter(student, chapter)

    with touches("requests", "access", "catalogue", students=[student]):
        enrollment.undo_decision(decision, by=admin)

    assert sql("SELECT id FROM enrollments") == []
    assert sql(WAITING) == [(student, course, "Please let me in.", "pending")]
    assert len(sql("SELECT id FROM chapter_completions")) == 1


def test_access_by_another_source_stays_and_nothing_waits(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    decision = enrollment.approve(a_request(student, course), by=admin).decision_id
    enrollment.enroll(student, course, by=admin)

    assert enrollment.undo_decision(decision, by=admin).request_id is None

    assert sql("SELECT kind FROM access_sources") == [("admin",)]
    assert sql(WAITING) == []


def test_who_has_asked_anew_waits_once(sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    decision = enrollment.reject(a_request(student, course), by=admin).decision_id
    a_request(student, course, "Again")

    assert enrollment.undo_decision(decision, by=admin).request_id is None

    assert sql(WAITING) == [(student, course, "Again", "pending")]


def test_a_decision_is_taken_back_once(refuses: Refuses) -> None:
    admin = an_admin("Grace")
    decision = enrollment.reject(a_request(a_student(), a_course()), by=admin).decision_id
    enrollment.undo_decision(decision, by=admin)
    with refuses(AlreadyUndone, detail="Grace has already undone this decision. Reload the list."):
        enrollment.undo_decision(decision, by=admin)


def test_an_old_decision_stays(refuses: Refuses) -> None:
    admin, moment = an_admin(), now()
    decision = enrollment.reject(a_request(a_student(), a_course()), by=admin).decision_id
    with at(moment + UNDO_WITHIN + timedelta(minutes=1)), refuses(TooLateToUndo):
        enrollment.undo_decision(decision, by=admin)
    with at(moment + UNDO_WITHIN):
        enrollment.undo_decision(decision, by=admin)


def test_what_is_gone_cannot_be_put_back(refuses: Refuses) -> None:
    student, course, other, admin = a_student(), a_course(), a_course(), an_admin()
    decisions = [
        enrollment.reject(a_request(student, number), by=admin).decision_id
        for number in (course, other)
    ]
    enrollment.delete_course(course, by=admin)
    with refuses(CourseNotFound):
        enrollment.undo_decision(decisions[0], by=admin)
    enrollment.delete_user(student, by=admin)
    with refuses(StudentNotFound):
        enrollment.undo_decision(decisions[1], by=admin)
    with refuses(DecisionNotFound):
        enrollment.undo_decision(999, by=admin)


def test_a_stale_button_finds_nothing_and_a_new_decision_counts(refuses: Refuses) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course)
    decision = enrollment.reject(request, by=admin, reason="No").decision_id
    undone = enrollment.undo_decision(decision, by=admin)
    with refuses(RequestNotFound):
        enrollment.approve(request, by=admin)
    assert undone.request_id is not None
    enrollment.approve(undone.request_id, by=admin)
    assert [shown.status for shown in students.requests(student)] == ["approved"]
    assert [past.undone_by_name for past in pair(student, course).decisions] == ["Grace", None]


def test_a_decision_taken_back_counts_nowhere() -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    decision = enrollment.approve(a_request(student, course), by=admin).decision_id
    enrollment.undo_decision(decision, by=admin)
    [shown] = students.requests(student)
    assert (shown.status, shown.reviewed_at) == ("pending", None)
    assert not students.courses(student)[0].has_approved_request
    figures = analytics.figures(period(None, None), None)
    assert (figures.funnel.requested, figures.funnel.approved) == (1, 0)
    assert (figures.decisions.approved, figures.decisions.waiting) == (0, 1)


@pytest.mark.parametrize("kind", ["source_not_valid", "approved_not_enrolled"])
def test_sync_does_not_trust_a_decision_taken_back(sql: Sql, kind: str) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    decision = enrollment.approve(a_request(student, course), by=admin).decision_id
    enrollment.undo_decision(decision, by=admin)
    if kind == "source_not_valid":  # a dump has brought the approval back, beside another source
        enrollment.enroll(student, course, by=admin)
        sql(
            "INSERT INTO access_sources (user_id, course_id, kind, reference)"
            " VALUES (:student, :course, 'approval', :decision)",
            student=student,
            course=course,
            decision=decision,
        )
    else:  # an older program has approved the request that waits again
        sql("UPDATE access_requests SET status = 'approved'")

    assert {k: n for k, n in sync.validate().counts.items() if n} == {kind: 1}
    sync.auto_fix(by=admin)
    assert sync.validate().ok
    expected = "admin" if kind == "source_not_valid" else "approval"
    assert sql("SELECT kind FROM access_sources") == [(expected,)]


def test_many_are_taken_back_each_on_its_own() -> None:
    course, gone, admin = a_course(), a_course(), an_admin()
    one, two = (
        enrollment.approve(a_request(a_student(), number), by=admin).decision_id
        for number in (course, gone)
    )
    enrollment.delete_course(gone, by=admin)
    assert enrollment.undo_many([one, two, one], by=admin) == [(one, "undone"), (two, "not_found")]
    assert enrollment.undo_many([one], by=admin) == [(one, "already_undone")]
