"""Access: each enrollment has a valid source, and each source its enrollment."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from lms.db import now
from lms.ledger.changes import Pair, of_pairs, table_of
from lms.models import (
    VISIBLE_STATUSES,
    AccessRequest,
    AccessSource,
    AccessWaiver,
    Course,
    Decision,
    Enrollment,
    Payment,
    SourceKind,
    StudentProgress,
    User,
    last_completion,
    share_completed,
    stands,
)
from lms.models.columns import normalized
from lms.models.payment_status import GIVING_ACCESS, RETURNED
from lms.sync.conditions import (
    DECIDED,
    both_exist,
    full,
    has_mirror,
    has_payment,
    has_source,
    is_enrolled,
    is_open_to_all,
    is_waived,
    rests_on_lost_payment,
)
from lms.sync.finding import find, subject
from lms.sync.kind import Check, Kind, Phase, Step
from lms.sync.kinds.progress import existing, insert_mirrors
from lms.upsert import insert as upsert

PAIR_TABLES = (Enrollment, StudentProgress, AccessSource, AccessRequest)
"""What may change where a student's access to a course does."""
_SOURCES = table_of(AccessSource)


def _source_without_enrollment() -> Select[Any]:
    """Find sources whose enrollment is gone, unless another kind restores it."""
    pair = subject(AccessSource)
    return find(
        AccessSource,
        expected="enrolled",
        actual=AccessSource.kind,
        attention=full(AccessSource.course_id),
    ).where(
        ~is_enrolled(*pair),
        ~has_mirror(*pair),
        both_exist(*pair),
        ~_has_lost_its_basis(),
        ~has_payment(*pair, GIVING_ACCESS),
        ~exists().where(
            User.id == AccessSource.user_id,
            User.role == "student",
            Course.id == AccessSource.course_id,
            is_open_to_all(),
            ~is_waived(*pair),
        ),
    )


def _access_without_source() -> Select[Any]:
    pair = subject(Enrollment)
    return find(Enrollment, expected="a source of access", actual="none").where(
        ~has_source(*pair), ~rests_on_lost_payment(), both_exist(*pair)
    )


def _default_not_granted() -> Select[Any]:
    """Find students who are not enrolled in a course that is open to all."""
    pair = (User.id, Course.id)
    source = (AccessSource.user_id == User.id, AccessSource.course_id == Course.id)
    has_another = exists().where(*source)
    has_default = exists().where(*source, AccessSource.kind == "default")
    return (
        find(
            User,
            expected="enrolled by default: the course is open to all",
            actual="not granted",
            attention=full(Course.id),
            course_id=Course.id,
        )
        .select_from(User)
        .join(Course, true())
        .where(
            User.role == "student",
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
    return find(AccessSource, expected="a source with a basis", actual=AccessSource.kind).where(
        _has_lost_its_basis(), ~on_lost_payment, both_exist(*pair)
    )


def _has_lost_its_basis() -> ColumnElement[bool]:
    """Return whether a source refers to a decision, payment or rule that does not hold."""
    pair = subject(AccessSource)
    decision, payment, course = aliased(Decision), aliased(Payment), aliased(Course)
    approved = exists().where(
        decision.id == AccessSource.reference,
        decision.student_id == AccessSource.user_id,
        decision.course_id == AccessSource.course_id,
        decision.status == "approved",
        stands(decision),
    )
    paid = exists().where(
        payment.id == AccessSource.reference,
        payment.user_id == AccessSource.user_id,
        payment.course_id == AccessSource.course_id,
        normalized(payment.status).not_in(RETURNED),
    )
    open_to_all = exists().where(course.id == AccessSource.course_id, course.is_default_unlocked)
    return or_(
        and_(AccessSource.kind == "approval", ~approved),
        and_(AccessSource.kind == "payment", ~paid),
        and_(AccessSource.kind == "default", ~open_to_all | is_waived(*pair)),
    )


class Source(NamedTuple):
    """A reason for access that a repair adds."""

    pair: Pair
    kind: SourceKind
    reference: int = 0


def enroll_pairs(step: Step, pairs: list[Pair]) -> set[Pair]:
    """Enroll those who are not yet, while there are seats; return who is enrolled now.

    Their pending requests go, as with every enrollment; the trigger for that may be missing.
    """
    missing: dict[int, list[int]] = defaultdict(list)
    enrolled = existing(step.session, pairs)
    for student_id, course_id in pairs:
        if (student_id, course_id) not in enrolled:
            missing[course_id].append(student_id)
    for course_id, students in missing.items():
        _insert_enrollments(step, course_id, students[: _free_seats(step, course_id)])
    insert_mirrors(step, pairs)
    enrolled_now = existing(step.session, pairs)
    _drop_pending(step, enrolled_now - enrolled)
    return enrolled_now


def add_sources(step: Step, sources: Iterable[Source]) -> None:
    """Add the reasons for access that are not there yet."""
    present = {
        (row.user_id, row.course_id, row.kind, row.reference)
        for row in step.session.execute(
            select(
                AccessSource.user_id,
                AccessSource.course_id,
                AccessSource.kind,
                AccessSource.reference,
            ).where(of_pairs(_SOURCES, step.pairs))
        )
    }
    moment = now()
    rows = [
        {
            "user_id": source.pair[0],
            "course_id": source.pair[1],
            "kind": source.kind,
            "reference": source.reference,
            "granted_at": moment,
            "granted_by": step.by,
        }
        for source in dict.fromkeys(sources)
        if (*source.pair, source.kind, source.reference) not in present
    ]
    if rows:
        step.session.execute(upsert(step.session, AccessSource).on_conflict_do_nothing(), rows)


def infer_sources(step: Step, pairs: Iterable[Pair]) -> list[Source]:
    """Return the best reason in evidence for each access that has none."""
    pairs = list(pairs)
    open_to_all = _open_to_all(step, pairs)
    approved = _latest(
        step,
        select(Decision.student_id, Decision.course_id, func.max(Decision.id))
        .where(of_pairs(table_of(Decision), pairs), Decision.status == "approved", stands())
        .group_by(Decision.student_id, Decision.course_id),
    )
    paid = _latest(
        step,
        select(Payment.user_id, Payment.course_id, func.max(Payment.id))
        .where(
            of_pairs(table_of(Payment), pairs),
            Payment.status.in_(GIVING_ACCESS),
            Payment.access_ended_at.is_(None),
        )
        .group_by(Payment.user_id, Payment.course_id),
    )
    sources = []
    for pair in pairs:
        if pair in open_to_all:
            sources.append(Source(pair, "default"))
        elif pair in approved:
            sources.append(Source(pair, "approval", approved[pair]))
        elif pair in paid:
            sources.append(Source(pair, "payment", paid[pair]))
        else:
            sources.append(Source(pair, "import"))
    return sources


def end_pairs(step: Step, pairs: list[Pair]) -> None:
    """End the access; what the student completed is kept."""
    for model in (AccessSource, StudentProgress, Enrollment):
        table = table_of(model)
        step.run(delete(table).where(of_pairs(table, pairs)))


def _insert_enrollments(step: Step, course_id: int, students: list[int]) -> None:
    share = share_completed(User.id, course_id)
    # What is left of a lost enrollment tells since when it was there: its sources, its mirror.
    enrolled_at = func.coalesce(
        select(func.min(AccessSource.granted_at))
        .where(AccessSource.user_id == User.id, AccessSource.course_id == course_id)
        .scalar_subquery(),
        select(func.min(StudentProgress.last_activity_at))
        .where(StudentProgress.student_id == User.id, StudentProgress.course_id == course_id)
        .scalar_subquery(),
        literal(now(), Enrollment.enrolled_at.type),
    )
    completed_at = func.coalesce(last_completion(User.id, course_id), enrolled_at)
    step.run(
        insert(Enrollment).from_select(
            ["user_id", "course_id", "progress", "enrolled_at", "completed_at"],
            select(
                *(User.id, literal(course_id), share, enrolled_at),
                case((share == 100, completed_at)),
            ).where(User.id.in_(students)),
        )
    )


def _drop_pending(step: Step, pairs: Iterable[Pair]) -> None:
    status = normalized(AccessRequest.status)
    is_pending = status.not_in(DECIDED)
    step.run(delete(AccessRequest).where(of_pairs(table_of(AccessRequest), pairs), is_pending))


def _free_seats(step: Step, course_id: int) -> int | None:
    enrollment = aliased(Enrollment)
    taken = select(func.count()).where(enrollment.course_id == Course.id).scalar_subquery()
    row = step.session.execute(
        select(Course.capacity, taken.label("taken")).where(Course.id == course_id)
    ).one_or_none()
    if row is None or row.capacity is None:
        return None
    free: int = row.capacity - row.taken
    return max(free, 0)


def _open_to_all(step: Step, pairs: list[Pair]) -> set[Pair]:
    waived = exists().where(
        AccessWaiver.user_id == Enrollment.user_id, AccessWaiver.course_id == Enrollment.course_id
    )
    rows = step.session.execute(
        select(Enrollment.user_id, Enrollment.course_id)
        .join(Course, Course.id == Enrollment.course_id)
        .where(
            of_pairs(table_of(Enrollment), pairs),
            Course.is_default_unlocked,
            Course.status.in_(VISIBLE_STATUSES),
            ~waived,
        )
    )
    return {(row.user_id, row.course_id) for row in rows}


def _latest(step: Step, query: object) -> dict[Pair, int]:
    return {(row[0], row[1]): row[2] for row in step.run(query)}


def restore(step: Step) -> None:
    """Enroll again, and give a reason to those who come without one."""
    enrolled = enroll_pairs(step, step.pairs)
    add_sources(step, infer_sources(step, enrolled - _with_source(step)))


def _infer(step: Step) -> None:
    add_sources(step, infer_sources(step, step.pairs))


def _grant_defaults(step: Step) -> None:
    enrolled = enroll_pairs(step, step.pairs)
    add_sources(step, [Source(pair, "default") for pair in sorted(enrolled)])


def _drop_sources(step: Step) -> None:
    """Take invalid sources away, never the access: who would be left with none was let in before.

    But where an admin has ended the access to everybody's course, its default was the last reason.
    """
    step.run(delete(AccessSource).where(AccessSource.id.in_(step.ids)))
    left = existing(step.session, step.pairs) - _with_source(step)
    waived = {
        (row.user_id, row.course_id)
        for row in step.session.execute(
            select(AccessWaiver.user_id, AccessWaiver.course_id).where(
                of_pairs(table_of(AccessWaiver), left)
            )
        )
    }
    end_pairs(step, sorted(left & waived))
    add_sources(step, infer_sources(step, sorted(left - waived)))


def _with_source(step: Step) -> set[Pair]:
    rows = step.session.execute(
        select(AccessSource.user_id, AccessSource.course_id).where(of_pairs(_SOURCES, step.pairs))
    )
    return {(row.user_id, row.course_id) for row in rows}


KINDS = (
    Kind(
        "source_without_enrollment",
        "Access sources without an enrollment",
        "The enrollment is restored.",
        Phase.ACCESS,
        (Check(AccessSource, _source_without_enrollment, restore, also=PAIR_TABLES),),
    ),
    Kind(
        "access_without_source",
        "Enrollments without an access source",
        "The source is inferred: default, approval or payment, otherwise import.",
        Phase.ACCESS,
        (Check(Enrollment, _access_without_source, _infer, also=PAIR_TABLES),),
    ),
    Kind(
        "default_not_granted",
        "Students not enrolled in a course open to all",
        "The student is enrolled by default.",
        Phase.ACCESS,
        (Check(User, _default_not_granted, _grant_defaults, also=PAIR_TABLES),),
    ),
    Kind(
        "source_not_valid",
        "Invalid access sources",
        "The source is removed; where it was the only one, another is inferred.",
        Phase.ACCESS,
        (Check(AccessSource, _source_not_valid, _drop_sources, also=PAIR_TABLES),),
    ),
)
