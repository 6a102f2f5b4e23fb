"""Access: each enrollment has a valid source, and each source its enrollment."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, true

from lms.ledger.access import end_access, record_withdrawn
from lms.ledger.basis import RESTING, is_in_force
from lms.ledger.rows import Pair, of_pairs
from lms.ledger.sources import Source, sources_of
from lms.ledger.trail import standing
from lms.models import (
    AccessSource,
    AccessWaiver,
    Course,
    Decision,
    Enrollment,
    Payment,
    StudentProgress,
    User,
    may_learn,
)
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS, RETURNED
from lms.sync.conditions import (
    both_exist,
    full,
    gives_access,
    has_mirror,
    has_payment,
    has_source,
    is_due_by_default,
    is_enrolled,
    is_open_to_all,
    is_waived,
    rests_on_lost_payment,
)
from lms.sync.finding import find, subject
from lms.sync.kind import PAIR_TABLES, Check, Kind, Phase, Step


def _mirror_without_enrollment() -> Select[Any]:
    pair = subject(StudentProgress)
    return find(
        StudentProgress,
        expected="enrolled",
        actual="not enrolled, with a progress record",
        attention=full(StudentProgress.course_id),
    ).where(~is_enrolled(*pair), both_exist(*pair))


def _source_without_enrollment() -> Select[Any]:
    """Find sources whose enrollment is gone, unless another kind restores it."""
    pair = subject(AccessSource)
    return find(
        AccessSource,
        expected="enrolled",
        actual=literal("not enrolled, with a source: ") + AccessSource.kind,
        attention=full(AccessSource.course_id),
    ).where(
        ~is_enrolled(*pair),
        ~has_mirror(*pair),
        both_exist(*pair),
        ~_has_lost_its_basis(),
        ~has_payment(*pair, GIVING_ACCESS),
        ~is_due_by_default(*pair),
    )


def _access_without_source() -> Select[Any]:
    pair = subject(Enrollment)
    return find(Enrollment, expected="a source of access", actual="none").where(
        ~has_source(*pair), ~rests_on_lost_payment(), both_exist(*pair)
    )


def _default_not_granted() -> Select[Any]:
    """Find students who are not enrolled in a course that is open to all, or not by default."""
    pair = (User.id, Course.id)
    source = (AccessSource.user_id == User.id, AccessSource.course_id == Course.id)
    has_another = exists().where(*source)
    has_default = exists().where(*source, AccessSource.kind == "default")
    return (
        find(
            User,
            expected="enrolled by default: the course is open to everyone",
            actual="not granted",
            attention=full(Course.id),
            course_id=Course.id,
        )
        .select_from(User)
        .join(Course, true())
        .where(
            may_learn(),
            is_open_to_all(),
            ~is_waived(*pair),
            or_(~is_enrolled(*pair), and_(has_another, ~has_default)),
        )
    )


def _source_not_valid() -> Select[Any]:
    """Find sources that have lost their basis, unless the whole access rests on a lost payment."""
    pair = subject(AccessSource)
    on_lost_payment = exists().where(
        Enrollment.user_id == AccessSource.user_id,
        Enrollment.course_id == AccessSource.course_id,
        rests_on_lost_payment(),
    )
    invalid = literal("an invalid one: ") + AccessSource.kind
    return find(AccessSource, expected="a valid source of access", actual=invalid).where(
        _has_lost_its_basis(), ~on_lost_payment, both_exist(*pair)
    )


def _has_lost_its_basis() -> ColumnElement[bool]:
    """Return whether a source's decision, payment or rule is not in force."""
    kind = AccessSource.kind
    rests = is_in_force(subject(AccessSource), kind, AccessSource.reference, carries=_is_kept)
    return and_(kind.in_(RESTING), ~rests)


def _is_kept(payment: type[Payment]) -> ColumnElement[bool]:
    # In review or disputed, what is to become of its access is not settled yet.
    return normalized(payment.status).not_in(RETURNED)


def _restore(step: Step) -> None:
    """Enroll again by the sources that are left, or else by those that the rest shows."""
    left = sources_of(step.session, step.pairs)
    without = set(step.pairs) - {source.pair for source in left}
    step.enroll([*left, *_inferred(step, without)])


def _infer(step: Step) -> None:
    step.enroll(_inferred(step, step.pairs))


def _grant_defaults(step: Step) -> None:
    step.enroll(Source(*pair, "default") for pair in step.pairs)


def _drop_sources(step: Step) -> None:
    """Take invalid sources away, never the access: those left with none had been let in before.

    But where an admin has ended access to a course open to all, its default was the last one.
    """
    session = step.session
    held = sources_of(session, step.pairs)
    step.delete_rows()
    kept = sources_of(session, step.pairs)
    gone = [source for source in held if source not in kept]
    record_withdrawn(session, gone, by=step.by, reason=step.reason, details=step.details)
    left = step.enrolled(step.pairs) - {each.pair for each in kept}
    waived = left & _waived(step)
    end_access(session, sorted(waived), by=step.by, reason=step.reason)
    step.enroll(_inferred(step, left - waived))


def _inferred(step: Step, pairs: Iterable[Pair]) -> list[Source]:
    """Return the best source in evidence for each of these pairs, if the trail has none."""
    told = standing(step.session, set(pairs))
    pairs = sorted(set(pairs) - told.keys())
    courses = Course.id.in_({course_id for _, course_id in pairs})
    open_to_all = set(step.session.scalars(select(Course.id).where(courses, is_open_to_all())))
    waived = _waived(step)
    approved = _latest(
        step,
        select(Decision.student_id, Decision.course_id, func.max(Decision.id))
        .where(of_pairs(Decision, pairs), gives_access())
        .group_by(Decision.student_id, Decision.course_id),
    )
    paid = _latest(
        step,
        select(Payment.user_id, Payment.course_id, func.max(Payment.id))
        .where(
            of_pairs(Payment, pairs),
            Payment.status.in_(GIVING_ACCESS),
            Payment.access_ended_at.is_(None),
        )
        .group_by(Payment.user_id, Payment.course_id),
    )
    sources = [source for access in told.values() for source in access.grants]
    for pair in pairs:
        if pair[1] in open_to_all and pair not in waived:
            sources.append(Source(*pair, "default"))
        elif pair in approved:
            sources.append(Source(*pair, "approval", approved[pair]))
        elif pair in paid:
            sources.append(Source(*pair, "payment", paid[pair]))
        else:
            sources.append(Source(*pair, "import"))
    return sources


def _waived(step: Step) -> set[Pair]:
    rows = step.session.execute(
        select(AccessWaiver.user_id, AccessWaiver.course_id).where(
            of_pairs(AccessWaiver, step.pairs)
        )
    )
    return {(row.user_id, row.course_id) for row in rows}


def _latest(step: Step, query: Select[*tuple[Any, ...]]) -> dict[Pair, int]:
    return {(row[0], row[1]): row[2] for row in step.session.execute(query)}


KINDS = (
    Kind(
        "missing_enrollment",
        "Progress records without an enrollment",
        "The student had access: the enrollment is restored.",
        Phase.PAIRS,
        (Check(StudentProgress, _mirror_without_enrollment, _restore, also=PAIR_TABLES),),
    ),
    Kind(
        "source_without_enrollment",
        "Access sources without an enrollment",
        "The enrollment is restored.",
        Phase.ACCESS,
        (Check(AccessSource, _source_without_enrollment, _restore, also=PAIR_TABLES),),
    ),
    Kind(
        "access_without_source",
        "Enrollments without an access source",
        "The source is inferred: open to everyone, approval or payment; otherwise import.",
        Phase.ACCESS,
        (Check(Enrollment, _access_without_source, _infer, also=PAIR_TABLES),),
    ),
    Kind(
        "default_not_granted",
        "Students not enrolled in a course that is open to everyone",
        "They are enrolled.",
        Phase.ACCESS,
        (Check(User, _default_not_granted, _grant_defaults, also=PAIR_TABLES),),
    ),
    Kind(
        "source_not_valid",
        "Invalid access sources",
        "The source is removed. If it was the only one, another is inferred, unless an admin had"
        " already ended the access: then the student is unenrolled.",
        Phase.ACCESS,
        (Check(AccessSource, _source_not_valid, _drop_sources, also=PAIR_TABLES),),
    ),
)
