"""What is wrong in the school: one set-based SELECT per kind of violation, on either database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, select

from lms import models as m
from lms.db import Base, db, now
from lms.queries.integrity import (
    access,
    certificates,
    dates,
    money,
    pairs,
    references,
    requests,
    values,
)
from lms.queries.integrity.finding import Scope
from lms.queries.read_model import read_model

__all__ = ["CHECKS", "KINDS", "SAMPLE", "WHOLE_SCHOOL", "Check", "Finding", "KindReport", "Report"]
__all__ += ["Scope", "findings", "keys", "validate"]

SAMPLE = 10
WHOLE_SCHOOL = Scope()


@dataclass(frozen=True)
class Check:
    """One SELECT of wrong rows of one table."""

    kind: str
    model: type[Base]
    find: Callable[[Scope], Select[Any]]
    repair: str
    """What auto-fix does about it, for people."""

    def select(self, scope: Scope) -> Select[Any]:
        """Return the wrong rows in scope."""
        return _built(self.find, scope.shape).params(scope.values)


@cache
def _built(find: Callable[[Scope], Select[Any]], shape: Scope) -> Select[Any]:
    return find(shape)


@cache
def _counted(find: Callable[[Scope], Select[Any]], shape: Scope) -> Select[Any]:
    """Return some findings with the number of all, and of those that need a person."""
    found = find(shape).subquery()
    total = func.count().over().label("total")
    undecided = func.count(found.c.attention).over().label("undecided")
    return select(found, total, undecided).limit(bindparam("sample", type_=Integer))


@cache
def _repairable(find: Callable[[Scope], Select[Any]], shape: Scope) -> Select[Any]:
    found = find(shape).subquery()
    return (
        select(found.c.row_id, found.c.student_id, found.c.course_id)
        .where(found.c.attention.is_(None), found.c.row_id.is_not(None))
        .order_by(found.c.row_id)
        .limit(bindparam("sample", type_=Integer))
    )


_DELETED = "the row is removed; undo can bring it back once what it refers to is back"
_LOOSENED = "a missing student's is removed; else only the empty reference goes"
_RECOMPUTED = "both rows are set to the share of chapters completed"
_NORMALIZED = "it is stored in lower case without blanks; an unknown word becomes the safe one"

_DATED = "it is emptied where completions tell it, else it becomes the time of the repair"
_WHOLE = "it is rounded down, and a truth becomes 0 or 1; prices and amounts are left to a person"

# In the order of repair: each repair may rely on what stands above it.
CHECKS: tuple[Check, ...] = (
    Check("status_not_normalized", m.Course, values.course_status_not_normalized, _NORMALIZED),
    Check("status_not_normalized", m.Payment, values.payment_status_not_normalized, _NORMALIZED),
    Check("unreadable_date", m.User, dates.of_user, _DATED),
    Check("unreadable_date", m.Course, dates.of_course, _DATED),
    Check("unreadable_date", m.Enrollment, dates.of_enrollment, _DATED),
    Check("unreadable_date", m.StudentProgress, dates.of_mirror, _DATED),
    Check("unreadable_date", m.AccessSource, dates.of_source, _DATED),
    Check("unreadable_date", m.AccessRequest, dates.of_request, _DATED),
    Check("unreadable_date", m.ChapterCompletion, dates.of_completion, _DATED),
    Check("unreadable_date", m.Payment, dates.of_payment, _DATED),
    Check("unreadable_date", m.SignIn, dates.of_sign_in, _DATED),
    Check("unreadable_date", m.Notice, dates.of_notice, _DATED),
    Check("unreadable_date", m.Certificate, dates.of_certificate, _DATED),
    Check("wrong_type", m.User, values.wrong_type_of_user, _WHOLE),
    Check("wrong_type", m.Course, values.wrong_type_of_course, _WHOLE),
    Check("wrong_type", m.Course, values.wrong_type_of_price, _WHOLE),
    Check("wrong_type", m.Chapter, values.wrong_type_of_chapter, _WHOLE),
    Check("wrong_type", m.Payment, values.wrong_type_of_payment, _WHOLE),
    Check("email_not_normalized", m.User, values.email_not_normalized, _NORMALIZED),
    Check("duplicate_email", m.User, values.duplicate_email, "none: it needs a decision"),
    Check("orphaned_chapter", m.Chapter, references.orphaned_chapter, _DELETED),
    Check("orphaned_enrollment", m.Enrollment, references.orphaned_enrollment, _DELETED),
    Check("orphaned_progress", m.StudentProgress, references.orphaned_progress, _DELETED),
    Check("orphaned_request", m.AccessRequest, references.orphaned_request, _DELETED),
    Check("orphaned_completion", m.ChapterCompletion, references.orphaned_completion, _DELETED),
    Check("orphaned_source", m.AccessSource, references.orphaned_source, _DELETED),
    Check("orphaned_waiver", m.AccessWaiver, references.orphaned_waiver, _DELETED),
    Check("orphaned_sign_in", m.SignIn, references.orphaned_sign_in, _DELETED),
    Check("orphaned_notice", m.Notice, references.orphaned_notice, _LOOSENED),
    Check("orphaned_certificate", m.Certificate, references.orphaned_certificate, _LOOSENED),
    Check(
        "orphaned_payment",
        m.Payment,
        references.orphaned_payment,
        "the payment stays, with what was bought; the empty reference goes",
    ),
    Check(
        "paid_without_course",
        m.Payment,
        access.paid_without_course,
        "it becomes undeliverable, for an admin to refund",
    ),
    Check(
        "duplicate_completion",
        m.ChapterCompletion,
        pairs.duplicate_completion,
        "the first completion stays",
    ),
    Check(
        "duplicate_enrollment",
        m.Enrollment,
        pairs.duplicate_enrollment,
        "the oldest enrollment stays, with the earliest dates of all",
    ),
    Check(
        "duplicate_progress",
        m.StudentProgress,
        pairs.duplicate_progress,
        "the oldest row stays, with the latest activity of all",
    ),
    Check(
        "missing_enrollment",
        m.StudentProgress,
        pairs.missing_enrollment,
        "the student had access: the enrollment is restored",
    ),
    Check(
        "missing_progress",
        m.Enrollment,
        pairs.missing_progress,
        "the progress row is inserted with the share of chapters completed",
    ),
    Check(
        "approved_not_enrolled",
        m.AccessRequest,
        requests.approved_not_enrolled,
        "the student is enrolled and the decision recorded",
    ),
    Check(
        "decided_not_cleared",
        m.AccessRequest,
        requests.decided_not_cleared,
        "the request moves to the decisions",
    ),
    Check(
        "payment_behind_stripe",
        m.Payment,
        money.payment_behind_stripe,
        "it is settled as when Stripe told it: status and access follow",
    ),
    Check(
        "paid_not_enrolled",
        m.Payment,
        access.paid_not_enrolled,
        "the student is enrolled by the payment; with no seat left it becomes undeliverable",
    ),
    Check(
        "refunded_still_enrolled",
        m.Enrollment,
        access.refunded_still_enrolled,
        "access ends; what the student completed is kept",
    ),
    Check(
        "source_without_enrollment",
        m.AccessSource,
        access.source_without_enrollment,
        "the enrollment is restored",
    ),
    Check(
        "access_without_source",
        m.Enrollment,
        access.access_without_source,
        "the source is inferred: default, approval, payment, or else import",
    ),
    Check(
        "default_not_granted",
        m.User,
        access.default_not_granted,
        "the student is enrolled: the course is everybody's",
    ),
    Check(
        "source_not_valid",
        m.AccessSource,
        access.source_not_valid,
        "the source goes; where it was the only one it becomes import",
    ),
    Check(
        "pending_while_enrolled",
        m.AccessRequest,
        requests.pending_while_enrolled,
        "the request is removed: the student is in",
    ),
    Check(
        "duplicate_request",
        m.AccessRequest,
        requests.duplicate_request,
        "the first request stays in the queue",
    ),
    Check(
        "status_not_normalized", m.AccessRequest, values.request_status_not_normalized, _NORMALIZED
    ),
    Check("progress_out_of_range", m.Enrollment, pairs.progress_out_of_range, _RECOMPUTED),
    Check("progress_out_of_range", m.StudentProgress, pairs.mirror_out_of_range, _RECOMPUTED),
    Check("progress_mismatch", m.Enrollment, pairs.progress_mismatch, _RECOMPUTED),
    Check("progress_drift", m.Enrollment, pairs.progress_drift, _RECOMPUTED),
    Check(
        "completion_date_mismatch",
        m.Enrollment,
        pairs.completion_date_mismatch,
        "the date of the last chapter is set at 100 %, and taken away below",
    ),
    Check(
        "duplicate_certificate",
        m.Certificate,
        certificates.duplicate_certificate,
        "the first certificate stays",
    ),
    Check(
        "missing_certificate",
        m.Enrollment,
        certificates.missing_certificate,
        "it is issued, with the date of the last chapter",
    ),
    Check("over_capacity", m.Course, pairs.over_capacity, "none: it needs a decision"),
)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(check.kind for check in CHECKS))


@read_model
class Finding:
    """One wrong row: what it says, what it should say, and what happens to it."""

    entity: str
    id: int | None
    student_id: int | None
    student_name: str | None
    course_id: int | None
    course_title: str | None
    expected: str
    actual: str
    attention: str | None
    """Why a person has to decide; null where auto-fix repairs it."""


@read_model
class KindReport:
    """All violations of one kind: how many, and some of them."""

    kind: str
    count: int
    needs_attention: int
    """How many of them auto-fix leaves to a person."""
    repair: str
    sample: list[Finding]


@read_model
class Report:
    """Whether the school is sound, and what is wrong where it is not."""

    ok: bool
    checked_at: datetime
    total: int
    checks: list[KindReport]

    @property
    def counts(self) -> dict[str, int]:
        """How many violations of each kind there are."""
        return {check.kind: check.count for check in self.checks}


def validate(
    scope: Scope = WHOLE_SCHOOL,
    *,
    sample: int = SAMPLE,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check everything in scope at one moment, one SELECT per check."""
    counts, undecided = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    samples: dict[str, list[tuple[str, Any]]] = {kind: [] for kind in KINDS}
    checked_at = now()
    connection = db.session.connection()  # rows, not entities: the ORM would take half of the time
    for number, check in enumerate(CHECKS, start=1):
        statement = _counted(check.find, scope.shape)
        rows = connection.execute(statement, {**scope.values, "sample": max(sample, 1)}).all()
        if rows:
            counts[check.kind] += rows[0].total
            undecided[check.kind] += rows[0].undecided
            samples[check.kind] += [(check.model.__tablename__, row) for row in rows]
        if progress:
            progress(number, len(CHECKS))
    students, courses = _names([row for rows in samples.values() for _, row in rows])
    repairs = {check.kind: check.repair for check in CHECKS}
    return Report(
        ok=not any(counts.values()),
        checked_at=checked_at,
        total=sum(counts.values()),
        checks=[
            KindReport(
                kind=kind,
                count=counts[kind],
                needs_attention=undecided[kind],
                repair=repairs[kind],
                sample=[_finding(*row, students, courses) for row in samples[kind][:sample]],
            )
            for kind in KINDS
        ],
    )


def findings(scope: Scope, *, limit: int = 500) -> Iterator[tuple[str, Finding]]:
    """Return every violation of a small scope, with its kind."""
    for check in validate(scope, sample=limit).checks:
        for finding in check.sample:
            yield check.kind, finding


def keys(check: Check, scope: Scope, *, limit: int) -> list[tuple[int, int | None, int | None]]:
    """Return row, student and course of findings that auto-fix may repair, by rising row id."""
    statement = _repairable(check.find, scope.shape)
    rows = db.session.connection().execute(statement, {**scope.values, "sample": limit})
    return [(row.row_id, row.student_id, row.course_id) for row in rows]


def _names(rows: list[Any]) -> tuple[dict[int, str], dict[int, str]]:
    students = {row.student_id for row in rows if row.student_id is not None}
    courses = {row.course_id for row in rows if row.course_id is not None}
    people = db.session.execute(select(m.User.id, m.User.name).where(m.User.id.in_(students)))
    titles = db.session.execute(select(m.Course.id, m.Course.title).where(m.Course.id.in_(courses)))
    return {row.id: row.name for row in people}, {row.id: row.title for row in titles}


def _finding(entity: str, row: Any, students: dict[int, str], courses: dict[int, str]) -> Finding:
    return Finding(
        entity=entity,
        id=row.row_id,
        student_id=row.student_id,
        student_name=students.get(row.student_id),
        course_id=row.course_id,
        course_title=courses.get(row.course_id),
        expected=row.expected,
        actual=row.actual,
        attention=row.attention,
    )
