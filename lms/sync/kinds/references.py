"""Rows that refer to a user, course or chapter that does not exist."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists
from sqlalchemy.orm import aliased

from lms.db import Base
from lms.ledger.access import end_access
from lms.ledger.changes import table_of
from lms.ledger.payment_endings import clear_references
from lms.ledger.rewriting import delete_rows
from lms.ledger.rows import of_pairs
from lms.models import (
    AccessRequest,
    AccessSource,
    AccessWaiver,
    AddressChange,
    Certificate,
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    ErasureRequest,
    FormerAddress,
    Notice,
    Offer,
    Payment,
    RecoveryCode,
    RefundRequest,
    SavedFilter,
    SecondFactor,
    SignIn,
    StudentProgress,
    User,
)
from lms.sync.conditions import both_exist, course_exists, user_exists
from lms.sync.finding import find, subject
from lms.sync.kind import Check, Kind, Phase, Step


def _orphans(model: type[Base], is_sound: Callable[[], ColumnElement[bool]]) -> Select[Any]:
    return find(
        model, expected="references to existing rows", actual="a reference to a missing row"
    ).where(~is_sound())


def _pair_exists(model: type[Base]) -> ColumnElement[bool]:
    return both_exist(*subject(model))


def _notice_is_sound() -> ColumnElement[bool]:
    payment = aliased(Payment)
    return (
        user_exists(Notice.user_id)
        & (Notice.course_id.is_(None) | course_exists(Notice.course_id))
        & (Notice.payment_id.is_(None) | exists().where(payment.id == Notice.payment_id))
    )


def _delete_enrollments(step: Step) -> None:
    end_access(step.session, step.pairs, by=step.by, reason=step.reason)


def _delete_waivers(step: Step) -> None:
    step.run(delete(AccessWaiver).where(of_pairs(AccessWaiver, step.pairs)))


def _clear_references(step: Step) -> None:
    """Keep the money, with what was bought by whom; only the references go."""
    clear_references(step.session, step.ids)


def _delete_or_clear(step: Step) -> None:
    """Delete what belongs to a missing user; of the others only the missing references go."""
    table = table_of(step.model)
    chosen = table.c.id.in_(step.ids)
    delete_rows(step.session, table, chosen & ~exists().where(User.id == table.c.user_id))
    for column, model in ((table.c.course_id, Course), (table.c.get("payment_id"), Payment)):
        if column is not None:
            gone = column.is_not(None) & ~exists().where(model.id == column)
            step.rewrite(chosen & gone, **{column.name: None})


_PAIR_TABLES = (Enrollment, StudentProgress, AccessSource)


def _kind(
    name: str,
    label: str,
    model: type[Base],
    is_sound: Callable[[], ColumnElement[bool]] | None = None,
    fix: Callable[[Step], None] = Step.delete_rows,
    *,
    repair: str = "The row is deleted. Undo can restore it once everything it refers to exists.",
    **further: Any,
) -> Kind:
    wrong = partial(_orphans, model, is_sound or partial(_pair_exists, model))
    return Kind(name, label, repair, Phase.REFERENCES, (Check(model, wrong, fix, **further),))


_CLEARED = "If the student is missing, the row is deleted; any other missing reference is cleared."

KINDS = (
    _kind(
        *("orphaned_chapter", "Orphaned chapters", Chapter),
        lambda: course_exists(Chapter.course_id),
        referring=(table_of(ChapterCompletion).c.chapter_id,),
    ),
    _kind(
        *("orphaned_enrollment", "Orphaned enrollments", Enrollment),
        fix=_delete_enrollments,
        also=_PAIR_TABLES,
    ),
    _kind("orphaned_progress", "Orphaned progress records", StudentProgress, also=_PAIR_TABLES),
    _kind("orphaned_request", "Orphaned requests", AccessRequest),
    _kind("orphaned_offer", "Orphaned offers", Offer),
    _kind(
        *("orphaned_completion", "Orphaned chapter completions", ChapterCompletion),
        lambda: (
            user_exists(ChapterCompletion.student_id)
            & exists().where(Chapter.id == ChapterCompletion.chapter_id)
        ),
    ),
    _kind("orphaned_source", "Orphaned access sources", AccessSource),
    _kind(
        *("orphaned_waiver", "Orphaned exclusions from courses open to everyone", AccessWaiver),
        fix=_delete_waivers,
    ),
    _kind("orphaned_sign_in", "Orphaned sign-ins", SignIn, lambda: user_exists(SignIn.user_id)),
    _kind(
        *("orphaned_factor", "Orphaned second factors", SecondFactor),
        lambda: user_exists(SecondFactor.user_id),
    ),
    _kind(
        *("orphaned_recovery_code", "Orphaned recovery codes", RecoveryCode),
        lambda: user_exists(RecoveryCode.user_id),
    ),
    _kind(
        *("orphaned_address_change", "Orphaned changes of address", AddressChange),
        lambda: user_exists(AddressChange.user_id),
    ),
    _kind(
        *("orphaned_former_address", "Orphaned former addresses", FormerAddress),
        lambda: user_exists(FormerAddress.user_id),
    ),
    _kind(
        *("orphaned_erasure_request", "Orphaned erasure requests", ErasureRequest),
        lambda: user_exists(ErasureRequest.user_id),
    ),
    _kind(
        *("orphaned_filter", "Orphaned saved filters", SavedFilter),
        lambda: user_exists(SavedFilter.user_id),
    ),
    _kind(
        *("orphaned_notice", "Orphaned notices", Notice, _notice_is_sound, _delete_or_clear),
        repair=_CLEARED,
    ),
    _kind(
        *("orphaned_certificate", "Orphaned certificates", Certificate),
        lambda: (
            user_exists(Certificate.user_id)
            & (Certificate.course_id.is_(None) | course_exists(Certificate.course_id))
        ),
        _delete_or_clear,
        repair=_CLEARED,
    ),
    _kind(
        *("orphaned_refund_request", "Orphaned refund requests", RefundRequest),
        lambda: exists().where(Payment.id == RefundRequest.payment_id),
    ),
    _kind(
        *("orphaned_payment", "Orphaned payments", Payment),
        lambda: (
            (Payment.user_id.is_(None) | user_exists(Payment.user_id))
            & (Payment.course_id.is_(None) | course_exists(Payment.course_id))
        ),
        _clear_references,
        repair="The payment stays, with what was bought; the missing reference is cleared.",
    ),
)
