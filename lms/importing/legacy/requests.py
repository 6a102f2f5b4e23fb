"""The old school's access requests: pending ones stay pending, the others become decisions."""

from typing import Any

from sqlalchemy import Column, ColumnElement, String, Text, exists, func, or_, update

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.access import gather, has_pair, of_rows, pairs, same_pair
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job, Verdicts
from lms.importing.legacy.people import users
from lms.importing.legacy.rules import (
    comes_in,
    merge,
    merge_all_but_first,
    refer_or_refuse,
    refuse,
    repair,
    set_origins,
)
from lms.importing.legacy.staging import Kind, located, referred, scratch_table
from lms.importing.legacy.values import OldRow, Row
from lms.importing.present import Pair, pairs_present
from lms.ledger.access import Past
from lms.ledger.sources import Source
from lms.models import AccessRequest, Enrollment, is_pending

requests = scratch_table(
    "access_requests",
    Column("status", String),
    Column("message", Text),
    Column("created_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    refers_to={"user": users, "course": courses},
)
_is_pending = requests.c.status == "pending"
_HAS_ACCESS = "pending, but the student is enrolled: there is nothing to decide"


def _read(row: OldRow) -> Row:
    status = row.word(
        "status", ("pending", "approved", "rejected"), otherwise="pending", missing="pending"
    )
    created_at = row.moment("created_at")
    return row.staged(
        natural=row.digest(),
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        status=status,
        message=row.text("message"),
        created_at=created_at,
        decided_at=row.moment("decided_at") or created_at,
    )


REQUESTS = Kind(
    requests,
    ("id", "student_id", "course_id", "status", "message", "created_at", "decided_at"),
    _read,
    {
        "student_id": ("userid",),
        "created_at": ("requestedat",),
        "decided_at": ("reviewedat",),
    },
)


def merge_same(job: Job) -> None:
    """Resolve the requests' references, and merge duplicates."""
    refer_or_refuse(job.scratch, requests)
    pair = [requests.c.user_row, requests.c.course_row]
    merge_all_but_first(
        job.scratch,
        requests,
        "another pending request for the same student and course: the first one is kept",
        pair,
        _is_pending,
        order=[requests.c.created_at.asc().nulls_last()],
    )
    merge_all_but_first(
        job.scratch,
        requests,
        "the same decided request as another row",
        [*pair, requests.c.status, requests.c.created_at, requests.c.message],
        ~_is_pending,
    )
    set_origins(job.scratch, requests)
    job.merge_known(requests)
    gather(job, requests, _is_approved())
    approved = (requests.c.verdict.is_(None), _is_approved())
    last = of_rows(requests, func.max(requests.c.row), *approved)
    job.scratch.execute(update(pairs).values(request_row=last))


def _is_approved() -> ColumnElement[bool]:
    """Return whether a request was approved, and the pair's approval had not ended since."""
    later = requests.alias()
    rejected_later = exists().where(
        same_pair(requests, later),
        later.c.verdict.is_(None),
        later.c.status == "rejected",
        func.coalesce(later.c.decided_at, later.c.created_at)
        > func.coalesce(requests.c.decided_at, requests.c.created_at),
    )
    return (requests.c.status == "approved") & ~rejected_later


def decide(job: Job) -> None:
    """Queue pending requests of students without access; decided ones become decisions."""
    merge(job.scratch, requests, _HAS_ACCESS, _is_pending, has_pair(requests, comes_in(pairs)))
    is_admin = exists().where(
        users.c.row == requests.c.user_row,
        or_(users.c.is_admin_here, (users.c.role == "admin") & users.c.target.is_(None)),
    )
    refuse(job.scratch, requests, "an admin's request: admins need none", _is_pending, is_admin)

    def by(found: set[Pair]) -> Verdicts:
        student, course = AccessRequest.student_id, AccessRequest.course_id
        waiting = pairs_present(job.session, student, course, found, is_pending())
        enrolled = pairs_present(job.session, Enrollment.user_id, Enrollment.course_id, found)
        return dict.fromkeys(enrolled, ("merged", _HAS_ACCESS)) | dict.fromkeys(
            waiting, ("merged", "the student already has a pending request here")
        )

    job.judge_pairs(requests, by, _is_pending)
    let_in = (
        pairs.c.request_row == requests.c.row,
        pairs.c.verdict.is_(None),
        pairs.c.enrollment_row.is_(None),
        pairs.c.progress_row.is_(None),
    )
    repair(
        job.scratch,
        requests,
        "approved, but not enrolled: the student is enrolled",
        exists().where(*let_in),
    )


def write(job: Job) -> None:
    """Queue pending requests and keep decisions; an approval is a source of access."""
    also = (
        *located(requests),
        referred(requests, "user", "name"),
        referred(requests, "user", "email"),
        referred(requests, "course", "title"),
        has_pair(requests, comes_in(pairs)).label("has_access"),
    )
    for rows in job.coming(requests, also=also):
        if pending := [_request(job, row) for row in rows if row.status == "pending"]:
            intake.add_requests(job.session, pending)
        if decided := [row for row in rows if row.status != "pending"]:
            ids = intake.add_decisions(job.session, [_request(job, row) for row in decided])
            approved = {
                Source(row.user_id, row.course_id, "approval", decision_id): Past()
                for row, decision_id in zip(decided, ids, strict=True)
                if row.status == "approved" and row.has_access
            }
            intake.let_in(job.session, approved)
        job.remember("access_requests", [(row.origin, "", None) for row in rows])


def _request(job: Job, row: Any) -> Row:
    created_at = row.created_at or job.moment
    return {
        "student_id": row.user_id,
        "student_name": row.user_name,
        "student_email": row.user_email,
        "course_id": row.course_id,
        "course_title": row.course_title,
        "status": row.status,
        "message": row.message,
        "created_at": created_at,
        "decided_at": row.decided_at or created_at,
    }
