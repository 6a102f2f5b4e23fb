"""Why a student has or lacks access to a course, now or at an earlier moment, in words."""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

from lms.db import now
from lms.models import VISIBLE_STATUSES, decider
from lms.money import money
from lms.queries.explain import (
    HeldSeat,
    Pair,
    PastPair,
    Source,
    TrailEntry,
    WaitingRequest,
    pair,
    past_pair,
)
from lms.queries.past import AsOf, PastSource
from lms.queries.read_model import read_model
from lms.sync.finding import Scope
from lms.sync.validation import Finding, findings
from lms.texts import counted
from lms.times import UTC_NAME, day_of, told

SOURCES = {
    "default": "open to everyone",
    "direct": "enrolled directly",
    "approval": "request approved",
    "admin": "enrolled by an admin",
    "payment": "bought",
    "import": "imported",
}
"""What people read for each source of access."""
_zone: ContextVar[str] = ContextVar("zone_of_explanation", default=UTC_NAME)


@read_model
class Violation:
    """A violation that concerns this student and this course."""

    kind: str
    label: str
    finding: Finding


@read_model
class Explanation:
    """The answer, its reasons, and what would change it: of the past, nothing would."""

    has_access: bool
    verdict: str
    action: str
    reasons: list[str]
    violations: list[Violation]
    facts: Pair | PastPair
    as_of: datetime | None = None
    """The moment of the past that is explained; None for now."""

    def lines(self, zone: str = UTC_NAME) -> Iterator[str]:
        """Return the whole explanation, line by line, for a terminal; times are of the zone."""
        yield from self.reasons
        for violation in self.violations:
            finding = violation.finding
            yield f"violation {violation.kind}: expected {finding.expected}, found {finding.actual}"
        for entry in self.facts.timeline:
            who = f" by {entry.actor_name}" if entry.actor_name else ""
            yield f"{told(entry.at, zone)}: {entry.action}{who}{_because(entry.reason)}"


def explain(
    student_id: int, course_id: int, moment: AsOf | None = None, *, zone: str = UTC_NAME
) -> Explanation:
    """Explain one student's access to one course, now or as it was, with the days of a zone.

    Raises StudentNotFound, CourseNotFound, or Invalid if the trail knows nothing of the moment.
    """
    token = _zone.set(zone)
    try:
        return _explain(student_id, course_id, moment)
    finally:
        _zone.reset(token)


def _explain(student_id: int, course_id: int, moment: AsOf | None) -> Explanation:
    if moment is not None:
        return _explain_past(past_pair(student_id, course_id, moment), moment)
    facts = pair(student_id, course_id)
    scope = Scope(student_id=student_id, course_id=course_id)
    violations = [
        Violation(kind=kind.kind, label=kind.label, finding=finding)
        for kind, finding in findings(scope)
    ]
    return Explanation(
        has_access=facts.has_access,
        verdict=verdict(
            facts.student_name,
            facts.course_title,
            (each.kind for each in facts.sources) if facts.has_access else None,
            is_active=facts.is_active,
        ),
        action=_repair(violations) or _action(facts),
        reasons=list(_reasons(facts)),
        violations=violations,
        facts=facts,
    )


def _explain_past(facts: PastPair, moment: AsOf) -> Explanation:
    return Explanation(
        has_access=facts.has_access,
        verdict=_past_verdict(facts, moment.words),
        action="",
        reasons=list(_past_reasons(facts)),
        violations=[],
        facts=facts,
        as_of=moment.until.at,
    )


def _past_verdict(facts: PastPair, when: str) -> str:
    who, what = facts.student_name, facts.course_title
    if not facts.has_access:
        return f"{who} had no access to {what} {when}."
    if not facts.is_active:
        return f"{who} was enrolled in {what} {when}, but the account was deactivated."
    return f"{who} had access to {what} {when}: {named(each.kind for each in facts.sources)}."


def _past_reasons(facts: PastPair) -> Iterator[str]:
    for source in facts.sources:
        yield f"source of access: {_origin(source)}{_because(source.reason)}"
    if facts.enrolled_at is not None:
        yield f"enrolled since {_day(facts.enrolled_at)}"
    elif facts.ended is not None:
        yield _changed(facts.ended)
    else:
        yield "access had never been granted"
    if facts.following is not None:
        yield f"next change: {_changed(facts.following)}"


def _changed(entry: TrailEntry) -> str:
    words = {"access.ended": "access ended", "access.granted": "access was granted"}
    source = SOURCES.get(entry.details.get("source", ""), "")
    told = f", {source}" if source else ""
    if since := entry.details.get("enrolled_at"):
        told += f", enrolled since {_day_in(since)}"
    by = f" by {entry.actor_name}" if entry.actor_name else ""
    what = words.get(entry.action, "a source of access ended")
    return f"{what} on {_day(entry.at)}{by}{told}{_because(entry.reason)}"


def _day(moment: datetime) -> str:
    return day_of(moment, _zone.get()).isoformat()


def _day_in(text: str) -> str:
    """Return the day of a time that the trail has as text, or what it begins with if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text[:10]
    return _day(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def named(kinds: Iterable[str]) -> str:
    """Return why somebody has access, in words, by the kinds of its sources."""
    return (
        ", ".join(dict.fromkeys(SOURCES.get(kind, kind) for kind in kinds))
        or "no source is recorded"
    )


def verdict(who: str, what: str, kinds: Iterable[str] | None, *, is_active: bool) -> str:
    """Return whether a student has access to a course, and why; no kinds are no enrollment."""
    if kinds is None:
        return f"{who} has no access to {what}."
    if not is_active:
        return f"{who} is enrolled in {what}, but the account is deactivated."
    return f"{who} has access to {what}: {named(kinds)}."


def _reasons(facts: Pair) -> Iterator[str]:
    for source in facts.sources:
        yield f"source of access: {_origin(source)}"
    if facts.has_access or facts.completed_chapters:
        yield f"completed {facts.completed_chapters} of {counted(facts.total_chapters, 'chapter')}"
    if facts.waived_at:
        yield f"unenrolled by an admin on {_day(facts.waived_at)}: not enrolled automatically"
    for request in facts.requests:
        yield (
            f"request {request.id}, made on {_day(request.created_at)}, is {request.status}"
            f"{_line(request)}"
        )
    yield from map(_held, facts.offers)
    for decision in facts.decisions:
        who = decider(decision.decided_by_name) or "the portal"
        by = decision.undone_by_name or "the portal"
        undone = f" (undone by {by})" if decision.undone_at else ""
        yield (
            f"request {decision.status} on {_day(decision.decided_at)}"
            f" by {who}{_because(decision.reason)}{undone}"
        )
    for payment in facts.payments:
        ended = ", access ended by an admin" if payment.access_ended_at else ""
        why = f" ({payment.attention})" if payment.attention else ""
        yield f"payment {payment.id}: {payment.status.replace('_', ' ')}{ended}{why}"
    if facts.capacity is not None:
        by_offers = f", and {facts.held} held by offers" if facts.held else ""
        yield f"seats taken: {facts.taken} of {facts.capacity}{by_offers}"


def _held(offer: HeldSeat) -> str:
    until = f"until {_day(offer.expires_at)}"
    if offer.ended_at is not None:
        until = f"ended on {_day(offer.ended_at)}"
    price = money(offer.price_cents, offer.currency)
    made = f"offer {offer.id}, made on {_day(offer.created_at)}"
    return f"{made}, for {price}: {offer.status}, {until}"


def _line(request: WaitingRequest) -> str:
    """Return what a request waits for, beside a decision."""
    if request.approved_at is not None:
        return ", approved for the next available seat"
    if request.awaits_seat:
        return " and waits for a seat"
    return ": a seat is available for it" if request.seat_since is not None else ""


def _origin(source: Source | PastSource) -> str:
    basis = "payment" if source.kind == "payment" else "decision"
    number = f" ({basis} {source.reference})" if source.reference else ""
    by = f" by {source.granted_by}" if source.granted_by else ""
    return f"{SOURCES.get(source.kind, source.kind)}{number}, since {_day(source.granted_at)}{by}"


def _repair(violations: list[Violation]) -> str:
    for violation in violations:
        if violation.finding.attention:
            return violation.finding.attention
    if violations:
        return "The next repair will correct this. You can start one now."
    return ""


def _action(facts: Pair) -> str:
    """Return how to change it: the first way that applies."""
    course_is_full = facts.capacity is not None and facts.taken + facts.held >= facts.capacity
    has_offer = any(offer.status == "open" and offer.expires_at > now() for offer in facts.offers)
    unsettled = {payment.status for payment in facts.payments if not payment.is_reviewed}
    ways = (
        (facts.has_access and not facts.is_active, "Reactivate the account to restore access."),
        (facts.has_access, "To end access, unenroll the student. Completed chapters are kept."),
        (facts.role != "student", "This is an admin account. Only students can be enrolled."),
        (
            not facts.is_proven,
            "The e-mail address isn't confirmed. Ask the student to open the link that we sent, or"
            " confirm the address on the student's page.",
        ),
        (
            "undeliverable" in unsettled and not facts.is_active,
            "The student has paid, but the account is deactivated. Reactivate it and choose “Retry"
            " enrollment” on the payment's page, or refund the payment.",
        ),
        (
            "undeliverable" in unsettled,
            "The student has paid and gets the next available seat, ahead of students who haven't."
            " Raise the capacity, or refund the payment.",
        ),
        (
            any(payment.status == "disputed" for payment in facts.payments),
            "The student's bank disputes the payment, so access is suspended. The payment's page"
            " says what to do.",
        ),
        (
            "needs_review" in unsettled,
            "The student's payment needs review. Resolve it before they pay again.",
        ),
        (
            has_offer,
            "A seat is held for the student. They can buy the course, or an admin can enroll them.",
        ),
        (course_is_full, "The course is full: raise its capacity, then enroll the student."),
        (bool(facts.requests), "Approve the waiting request, or enroll the student."),
        (
            facts.status not in VISIBLE_STATUSES,
            f"The course's status is {facts.status}: publish it, or enroll the student anyway.",
        ),
        (
            facts.is_default_unlocked,
            "Enroll the student. They then have access like everyone else.",
        ),
        (
            facts.requires_approval,
            "The course needs approval first: the student can request access, or an admin can"
            " enroll them.",
        ),
        (
            facts.price_cents > 0,
            "The student can buy the course; an admin can enroll them without payment.",
        ),
        (facts.is_public, "The student can enroll directly; an admin can also enroll them."),
        (True, "The student can request access; an admin can also enroll them."),
    )
    return next(way for applies, way in ways if applies)
