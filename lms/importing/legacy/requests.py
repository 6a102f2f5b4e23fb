"""The old school's access requests: pending ones stay pending, the others become decisions."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    Text,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from lms.db import UtcDateTime
from lms.enrollment import intake
from lms.importing.legacy.access import (
    describe,
    gather,
    has_pair,
    pairs,
    same_pair,
    together,
)
from lms.importing.legacy.courses import courses
from lms.importing.legacy.job import Job, Verdicts
from lms.importing.legacy.names import COURSE, USER
from lms.importing.legacy.people import note_closed, users
from lms.importing.legacy.questions import ACCESS, UNANSWERED, about
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import (
    comes_in,
    merge,
    merge_all_but_first,
    put,
    refer_or_refuse,
    refuse,
    repair,
    rows_of_keys,
    set_origins,
)
from lms.importing.legacy.staging import Kind, batches, located, marks, referred, scratch_table
from lms.importing.legacy.values import Row, key
from lms.importing.legacy.words import REQUESTS as STATUSES
from lms.importing.present import AT_ONCE, Pair, pairs_present
from lms.models import EARLIER_SYSTEM, AccessRequest, Enrollment, is_pending
from lms.models.columns import LONGEST_NAME

requests = scratch_table(
    "access_requests",
    Column("status", String),
    Column("message", Text),
    Column("created_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("why", Text),
    Column("reviewer", String),  # an id, an address or a name
    Column("reviewer_row", Integer),
    Column("is_withdrawn", Boolean),  # by the student, who was not refused
    refers_to={"user": users, "course": courses},
)
_is_pending = requests.c.status == "pending"
_HAS_ACCESS = "pending, but the student is enrolled: there is nothing to decide"


def _read(row: OldRow) -> Row:
    status = _status(row)
    is_withdrawn = status == "withdrawn"
    if row.is_unknown("status"):
        row.refusal = UNANSWERED
    message, reason = _texts(row, is_decided=status != "pending")
    if is_withdrawn:
        status, reason = "rejected", reason or WITHDRAWN
    created_at = row.moment("created_at")
    given = (row.moment(name) for name in ("decided_at", "approved_at", "rejected_at"))
    decided_at = next((moment for moment in given if moment), None)
    if decided_at is None and status != "pending":
        decided_at = row.moment("updated_at")
    return row.staged(
        natural=row.digest(),
        user_key=row.key("student_id"),
        course_key=row.key("course_id"),
        status=status,
        message=message,
        created_at=created_at,
        decided_at=decided_at or created_at,
        why=reason,
        reviewer=row.line("reviewed_by", LONGEST_NAME) or None,
        is_withdrawn=is_withdrawn,
    )


WITHDRAWN = "Withdrawn in the earlier system."


def _status(row: OldRow) -> str:
    """Return what was decided, by a word or by marks alone."""
    if row.is_set("deleted_at"):
        return "withdrawn"
    if row.has("status"):
        return row.word("status", STATUSES, otherwise="pending", missing="pending")
    if row.is_set("rejected_at"):
        return "rejected"
    if row.is_set("approved_at"):
        return "approved"
    return "rejected" if row.is_set("decided_at") and row.has("approved_at") else "pending"


def _texts(row: OldRow, *, is_decided: bool) -> tuple[str, str]:
    """Return what the student wrote, and why it was decided so."""
    written, note = row.text("message").strip(), row.text("note").strip()
    reason, also = row.text("decision_reason").strip(), row.text("reason").strip()
    # `reason` is the student's where nothing else is, else the admin's.
    if not written:
        written, also = also, ""
    if not written:
        written, note = note, ""
    said = "\n\n".join(filter(None, (reason, also, note)))
    return (written, said) if is_decided else ("\n\n".join(filter(None, (written, said))), "")


REQUESTS = Kind(
    requests,
    (
        *("id", "student_id", "course_id", "status", "message", "reason", "note"),
        *("decision_reason", "reviewed_by", "created_at", "decided_at", "approved_at"),
        *("rejected_at", "updated_at", "deleted_at"),
    ),
    _read,
    {
        "student_id": USER,
        "course_id": COURSE,
        "status": ("state", "requeststatus", "decision"),
        "message": ("motivation", "justification", "text", "comment", "studentmessage", "body"),
        "reason": ("requestreason",),
        "note": ("notes", "studentnote", "description"),
        "decision_reason": (
            *("rejectionreason", "rejectreason", "adminnote", "adminnotes", "reviewnote"),
            *("reviewnotes", "reviewcomment", "admincomment", "adminmessage", "response"),
            *("denialreason", "declinereason", "feedback"),
        ),
        "reviewed_by": (
            *("reviewedbyid", "reviewer", "reviewerid", "decidedby", "decidedbyid", "approvedby"),
            *("approvedbyid", "rejectedby", "processedby", "handledby", "adminid"),
        ),
        "created_at": ("requestedat", "submittedat"),
        "decided_at": ("reviewedat", "processedat", "handledat", "resolvedat", "respondedat"),
        "approved_at": ("approved", "isapproved", "accepted", "isaccepted"),
        "rejected_at": ("rejected", "isrejected", "declinedat", "deniedat"),
        "deleted_at": marks("deleted removed cancelled canceled withdrawn"),
    },
    called=(
        *("accessrequest", "courserequest", "courserequests", "enrollmentrequest"),
        *("enrollmentrequests", "courseaccessrequest", "courseaccessrequests", "requests"),
    ),
    needs=("student_id", "course_id"),
)


def merge_same(job: Job) -> None:
    """Resolve the requests' references, and merge duplicates."""
    refer_or_refuse(job.scratch, requests)
    note_closed(job, requests)
    _find_reviewers(job)
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
    last, decided = func.max(requests.c.row), func.min(requests.c.decided_at)
    describe(job, together(requests, *approved, request_row=last, approved_at=decided))


def _find_reviewers(job: Job) -> None:
    """Find who decided, by their old id or address."""
    by_address = select(users.c.winner).where(users.c.email == func.lower(requests.c.reviewer))
    for rows in batches(job.scratch, requests, requests.c.reviewer.is_not(None), size=AT_ONCE):
        known = rows_of_keys(job.scratch, users, {key(row.reviewer) or "" for row in rows})
        found = [
            {"row": row.row, "reviewer_row": known.get(key(row.reviewer) or "")} for row in rows
        ]
        put(job.scratch, requests, found)
    job.scratch.execute(
        update(requests)
        .where(requests.c.reviewer.contains("@"), requests.c.reviewer_row.is_(None))
        .values(reviewer_row=by_address.limit(1).scalar_subquery())
    )


def _is_approved() -> ColumnElement[bool]:
    """Return whether a request was approved, and the pair's approval had not ended since.

    Where the dates don't tell which came first, the rejection counts.
    """
    later = requests.alias()
    rejected_later = exists().where(
        same_pair(requests, later),
        later.c.verdict.is_(None),
        later.c.status == "rejected",
        ~later.c.is_withdrawn,
        func.coalesce(later.c.decided_at >= requests.c.decided_at, true()),
    )
    return (requests.c.status == "approved") & ~requests.c.user_is_closed & ~rejected_later


def decide(job: Job) -> None:
    """Queue pending requests of students without access; decided ones become decisions."""
    merge(job.scratch, requests, _HAS_ACCESS, _is_pending, has_pair(requests, comes_in(pairs)))
    is_admin = exists().where(
        users.c.row == requests.c.user_row,
        or_(users.c.is_admin_here, (users.c.role == "admin") & users.c.target.is_(None)),
    )
    refuse(job.scratch, requests, "an admin's request: admins need none", _is_pending, is_admin)

    gone = about(
        ACCESS,
        "the account was deactivated or deleted in the earlier system: nobody waits for an answer",
    )
    refuse(job.scratch, requests, gone, _is_pending, requests.c.user_is_closed)

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
        about(ACCESS, "approved, but not enrolled: the student is enrolled"),
        exists().where(*let_in),
    )


def write(job: Job) -> None:
    """Queue pending requests and keep decisions; an approval is a source of access."""
    also = (
        *located(requests),
        referred(requests, "user", "name"),
        referred(requests, "user", "email"),
        referred(requests, "course", "title"),
        _of_reviewer("target"),
        _of_reviewer("name"),
        has_pair(requests, comes_in(pairs)).label("has_access"),
    )
    for rows in job.coming(requests, also=also):
        if pending := [_request(job, row) for row in rows if row.status == "pending"]:
            intake.add_requests(job.session, pending)
        if decided := [row for row in rows if row.status != "pending"]:
            ids = intake.add_decisions(job.session, [_request(job, row) for row in decided])
            approved = [
                (row.user_id, row.course_id, "approval", decision_id, None, None, None)
                for row, decision_id in zip(decided, ids, strict=True)
                if row.status == "approved" and row.has_access
            ]
            intake.let_in(job.session, approved)
        job.remember("access_requests", [(row.origin, "", None) for row in rows])


def _of_reviewer(column: str) -> ColumnElement[Any]:
    who = users.alias()
    found = select(who.c[column]).where(who.c.row == requests.c.reviewer_row)
    return found.scalar_subquery().label(f"reviewer_{'id' if column == 'target' else column}")


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
        "reason": row.why,
        "decided_by": row.reviewer_id,
        "decided_by_name": row.reviewer_name or _name(row.reviewer),
    }


def _name(reviewer: str | None) -> str:
    """Return what the old school calls who decided, where that is a name and no bare id."""
    is_name = reviewer is not None and ("@" in reviewer or " " in reviewer)
    return str(reviewer) if is_name else EARLIER_SYSTEM
