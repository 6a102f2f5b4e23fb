"""Taking back a decision soon after it was made: as if the request had never left the queue."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.access import end_sources
from lms.ledger.audit import record
from lms.ledger.locks import lock_course, lock_student
from lms.ledger.offers import EndedOffer, withdraw_offers
from lms.ledger.rows import Pair
from lms.ledger.sales import offers_ended
from lms.ledger.sources import Source
from lms.ledger.waiting import fill_seats
from lms.live import touch
from lms.messages.catalogue import DecisionReversed
from lms.messages.notices import announce
from lms.models import (
    UNDO_WITHIN,
    AccessRequest,
    Course,
    Decision,
    DecisionReversal,
    Enrollment,
    User,
)
from lms.refusals import (
    AlreadyUndone,
    CourseNotFound,
    DecisionNotFound,
    NotFound,
    StudentNotFound,
    TooLateToUndo,
)
from lms.transaction import transactional
from lms.upsert import insert

_UNDONE = "The approval was undone."
UndoOutcome = Literal["undone", "already_undone", "too_late", "not_found"]


@dataclass(frozen=True)
class DecisionUndone:
    """A decision that was undone; `request_id` is the request's new id."""

    decision_id: int
    student_id: int
    course_id: int
    request_id: int | None
    """None if another source keeps the student enrolled, or there is a newer request."""


@transactional
def undo_decision(session: Session, decision_id: int, *, by: int) -> DecisionUndone:
    """Undo a decision: the request is back in its old place, and the approval's access ends.

    Other sources of access stay, and what was completed is kept. Raises TooLateToUndo after
    UNDO_WITHIN, AlreadyUndone for the second of two admins, and NotFound where the student or the
    course has been deleted.
    """
    decision = session.get(Decision, decision_id)  # never changes: no lock is needed to read it
    if decision is None:
        raise DecisionNotFound
    course = _lock_pair(session, decision)
    _refuse_if_undone(session, decision)
    if now() - decision.decided_at > UNDO_WITHIN:
        minutes = int(UNDO_WITHIN.total_seconds() // 60)
        raise TooLateToUndo(
            f"Decisions can only be undone for {minutes} minutes. "
            "Enroll or unenroll the student instead."
        )
    ended: dict[Pair, int] = {}
    withdrawn: list[EndedOffer] = []
    if decision.status == "approved":
        approval = Source(decision.student_id, course.id, "approval", decision.id)
        ended = end_sources(session, [approval], by=by, reason=_UNDONE)
        withdrawn = withdraw_offers(
            session, "decision", decision.id, by=by, reason=_UNDONE, tells=False
        )
        offers_ended(session, [offer.pair for offer in withdrawn])
    request_id = _return_to_queue(session, decision)
    _record_reversal(session, decision, request_id, by=by)
    if freed := len(ended) + len(withdrawn):
        fill_seats(session, course, freed=freed)
    reversed_ = DecisionReversed(course.id, course.title, bool(ended))
    announce(session, reversed_, decision.student_id, key=f"undone-decision-{decision.id}")
    return DecisionUndone(decision.id, decision.student_id, decision.course_id, request_id)


def undo_many(decision_ids: Iterable[int], *, by: int) -> list[tuple[int, UndoOutcome]]:
    """Take each decision back in a transaction of its own, so that one refusal stops no other."""
    outcomes: list[tuple[int, UndoOutcome]] = []
    for decision_id in dict.fromkeys(decision_ids):
        try:
            undo_decision(decision_id, by=by)
            outcomes.append((decision_id, "undone"))
        except AlreadyUndone:
            outcomes.append((decision_id, "already_undone"))
        except TooLateToUndo:
            outcomes.append((decision_id, "too_late"))
        except NotFound:
            outcomes.append((decision_id, "not_found"))
    return outcomes


def _lock_pair(session: Session, decision: Decision) -> Course:
    try:
        course = lock_course(session, decision.course_id, "seats")
    except CourseNotFound:
        raise CourseNotFound("The course was deleted, so there is nothing to undo.") from None
    try:
        lock_student(session, decision.student_id)
    except StudentNotFound:
        raise StudentNotFound("The student was deleted, so there is nothing to undo.") from None
    return course


def _refuse_if_undone(session: Session, decision: Decision) -> None:
    undone = session.scalar(
        select(DecisionReversal).where(DecisionReversal.decision_id == decision.id)
    )
    if undone is not None:
        who = undone.reversed_by_name or "Someone"
        raise AlreadyUndone(f"{who} has already undone this decision. Reload the list.")


def _return_to_queue(session: Session, decision: Decision) -> int | None:
    """Queue the request again under a new id: ids are never reused."""
    is_enrolled = session.scalar(
        select(Enrollment.id).where(
            Enrollment.user_id == decision.student_id, Enrollment.course_id == decision.course_id
        )
    )
    if is_enrolled is not None:
        return None
    waiting: int | None = session.scalar(
        insert(AccessRequest)
        .values(
            student_id=decision.student_id,
            course_id=decision.course_id,
            status="pending",
            message=decision.message,
            created_at=decision.requested_at,
        )
        .on_conflict_do_nothing()
        .returning(AccessRequest.id)
    )
    return waiting


def _record_reversal(
    session: Session, decision: Decision, request_id: int | None, *, by: int
) -> None:
    admin = session.get(User, by)
    session.add(
        DecisionReversal(
            decision_id=decision.id,
            request_id=request_id,
            reversed_at=now(),
            reversed_by=by,
            reversed_by_name=admin.name if admin else "",
        )
    )
    session.flush()
    record(
        session,
        "decision.undone",
        by=by,
        student_id=decision.student_id,
        course_id=decision.course_id,
        decision=decision.id,
        status=decision.status,
        request_id=request_id,
    )
    touch(session, "requests")
