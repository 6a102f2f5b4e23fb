"""Enrollments and the reasons for them: what was paid, refunded, approved, or is everybody's."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, true
from sqlalchemy.orm import aliased

from lms.models import AccessSource, Course, Decision, Enrollment, Payment, User, stands
from lms.models.payment_status import GIVING_ACCESS, MAY_GIVE_ACCESS, RETURNED
from lms.queries.integrity.finding import (
    Scope,
    both_exist,
    find,
    full,
    has_mirror,
    has_payment,
    has_source,
    is_enrolled,
    is_open_to_all,
    is_waived,
    word,
)
from lms.queries.integrity.requests import was_approved


def paid_not_enrolled(scope: Scope) -> Select[Any]:
    pair = (Payment.user_id, Payment.course_id)
    gives_access = exists().where(
        AccessSource.user_id == Payment.user_id,
        AccessSource.course_id == Payment.course_id,
        AccessSource.kind == "payment",
        AccessSource.reference == Payment.id,
    )
    return find(
        scope,
        Payment.id,
        *pair,
        expected="enrolled by this payment",
        actual=Payment.status,
    ).where(
        word(Payment.status).in_(GIVING_ACCESS),
        Payment.access_ended_at.is_(None),
        ~(is_enrolled(*pair) & gives_access),
        both_exist(*pair),
    )


def paid_without_course(scope: Scope) -> Select[Any]:
    """Find paid payments whose course or buyer is gone: money that somebody has to look at."""
    return find(
        scope,
        Payment.id,
        Payment.user_id,
        Payment.course_id,
        expected="undeliverable",
        actual=Payment.status,
    ).where(
        word(Payment.status).in_(GIVING_ACCESS),
        or_(Payment.user_id.is_(None), Payment.course_id.is_(None)),
    )


def refunded_still_enrolled(scope: Scope) -> Select[Any]:
    """Find access that only a refunded or lost payment had given."""
    pair = (Enrollment.user_id, Enrollment.course_id)
    return find(
        scope,
        Enrollment.id,
        *pair,
        expected="access ended with the payment",
        actual="enrolled, and the payment is lost",
    ).where(_rests_on_lost_payment(), both_exist(*pair))


def access_without_source(scope: Scope) -> Select[Any]:
    pair = (Enrollment.user_id, Enrollment.course_id)
    return find(scope, Enrollment.id, *pair, expected="a source of access", actual="none").where(
        ~has_source(*pair), ~_rests_on_lost_payment(), both_exist(*pair)
    )


def source_without_enrollment(scope: Scope) -> Select[Any]:
    """Find sources whose enrollment is gone, unless another kind restores it."""
    pair = (AccessSource.user_id, AccessSource.course_id)
    return find(
        scope,
        AccessSource.id,
        *pair,
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


def source_not_valid(scope: Scope) -> Select[Any]:
    """Find sources that have lost their basis, unless the whole access rests on a lost payment."""
    pair = (AccessSource.user_id, AccessSource.course_id)
    rests_on_lost_payment = exists().where(
        Enrollment.user_id == AccessSource.user_id,
        Enrollment.course_id == AccessSource.course_id,
        _rests_on_lost_payment(),
    )
    return find(
        scope, AccessSource.id, *pair, expected="a source with a basis", actual=AccessSource.kind
    ).where(_has_lost_its_basis(), ~rests_on_lost_payment, both_exist(*pair))


def default_not_granted(scope: Scope) -> Select[Any]:
    """Find students who are not in a course that is everybody's."""
    pair = (User.id, Course.id)
    source = (
        AccessSource.user_id == User.id,
        AccessSource.course_id == Course.id,
    )
    has_another = exists().where(*source)
    has_default = exists().where(*source, AccessSource.kind == "default")
    return (
        find(
            scope,
            User.id,
            *pair,
            expected="enrolled: the course is everybody's",
            actual="not granted",
            attention=full(Course.id),
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


def _rests_on_lost_payment() -> ColumnElement[bool]:
    """Return whether an enrollment stands on nothing but a refunded or lost payment.

    Where no source is left to tell, an approval does: the table of sources may be lost.
    """
    pair = (Enrollment.user_id, Enrollment.course_id)
    lost, source, payment = aliased(Payment), aliased(AccessSource), aliased(Payment)
    was_lost = exists().where(
        lost.user_id == Enrollment.user_id,
        lost.course_id == Enrollment.course_id,
        word(lost.status).in_(RETURNED),
    )
    by_lost_payment = (source.kind == "payment") & exists().where(
        payment.id == source.reference, word(payment.status).in_(RETURNED)
    )
    still_given = exists().where(
        source.user_id == Enrollment.user_id,
        source.course_id == Enrollment.course_id,
        ~by_lost_payment,
    )
    course = aliased(Course)
    open_to_all = exists().where(course.id == Enrollment.course_id, is_open_to_all(course))
    return and_(
        was_lost,
        ~still_given,
        ~(~has_source(*pair) & was_approved(*pair)),
        ~has_payment(*pair, MAY_GIVE_ACCESS),
        ~(open_to_all & ~is_waived(*pair)),
    )


def _has_lost_its_basis() -> ColumnElement[bool]:
    """Return whether a source refers to a decision, payment or rule that does not hold."""
    pair = (AccessSource.user_id, AccessSource.course_id)
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
        word(payment.status).not_in(RETURNED),
    )
    open_to_all = exists().where(course.id == AccessSource.course_id, course.is_default_unlocked)
    return or_(
        and_(AccessSource.kind == "approval", ~approved),
        and_(AccessSource.kind == "payment", ~paid),
        and_(AccessSource.kind == "default", ~open_to_all | is_waived(*pair)),
    )
