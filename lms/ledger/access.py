"""Who gets access, by which sources, and whose access ends: the only place that writes it.

In as many statements for many students and courses as for one. The caller holds the seats of the
courses and the students, and announces to those concerned what it has done.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Delete, Integer, Select, bindparam, case, delete, exists, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from lms.db import UtcDateTime, now
from lms.ledger import arrivals as arriving
from lms.ledger.arrivals import Arrival
from lms.ledger.audit import Entry, record_all
from lms.ledger.certificates import issue
from lms.ledger.offers import accept_offers
from lms.ledger.progress import OF_PAIRS, add_mirrors
from lms.ledger.rows import PAIR, PAIRS, Pair, Rows, as_table, of_pairs
from lms.ledger.sales import already_has
from lms.ledger.seats import Newcomer, line_up, newcomers
from lms.ledger.sources import (
    Grant,
    Source,
    enrolled_since,
    grant_sources,
    kinds_by_pair,
    sources_of,
    take_all_sources,
    take_sources,
)
from lms.live import touch
from lms.models import (
    AccessRequest,
    Course,
    Enrollment,
    StudentProgress,
    is_pending,
    last_completion,
    share_completed,
)
from lms.refusals import CourseFull
from lms.statements import COURSE, STUDENT, run
from lms.upsert import insert


class Past(NamedTuple):
    """What is known of an enrollment of earlier times, and details for the audit trail."""

    enrolled_at: datetime | None = None
    last_activity_at: datetime | None = None
    details: Mapping[str, Any] = {}
    completed_at: datetime | None = None
    """When the course was completed, if it still is; else the last chapter's completion counts."""
    grants: Mapping[Source, Grant] = {}
    """When and by whom these sources were granted; others are granted now."""


@dataclass(frozen=True)
class Admission:
    """What came of letting students in."""

    enrolled: Mapping[Pair, int]
    """The new enrollments' ids."""
    superseded: Mapping[Pair, int]
    """The ids of the requests that no longer need a decision."""
    granted: Collection[Source]
    """The sources that were not there before."""


def let_in(
    session: Session,
    sources: Iterable[Source],
    *,
    by: int | None,
    reason: str = "",
    past: Mapping[Pair, Past] | None = None,
    while_seats_last: bool = False,
) -> Admission:
    """Enroll students by these sources; one who is already enrolled gets the new source as well.

    Where a seat is missing, raises CourseFull before any change, or `while_seats_last` leaves out
    those who stand last in the list.
    """
    sources, past = list(dict.fromkeys(sources)), past or {}
    found = newcomers(session, [source.pair for source in sources])
    entering = {pair: newcomer for pair, newcomer in found.items() if newcomer.has_seat}
    left_out = found.keys() - entering.keys()
    if left_out and not while_seats_last:
        raise CourseFull
    waiting = [pair for pair, newcomer in entering.items() if newcomer.has_request]
    superseded = _supersede_requests(session, waiting, by=by)
    this = Grant(now(), by)  # one moment for rows and trail, by which they can be rebuilt
    dates = _enroll(session, entering, past, moment=this.at)
    enrolled = {pair: row.id for pair, row in dates.items()}
    seated = [source for source in sources if source.pair not in left_out]
    earlier = {source: at for known in past.values() for source, at in known.grants.items()}
    granted = grant_sources(session, seated, now_by=this, earlier=earlier)
    _record_grants(session, granted, dates, past, this=this, reason=reason)
    _refresh(session, {source.pair for source in granted} | enrolled.keys())
    if offered := [pair for pair in enrolled if entering[pair].has_offer]:
        accept_offers(session, offered, by=by)
    if buying := [source.pair for source in granted if _is_for_nothing(source, entering)]:
        already_has(session, buying, "enrolled")
    if limited := {course for student, course in enrolled if entering[student, course].is_limited}:
        line_up(session, limited)
        touch(session, "catalogue")
    return Admission(enrolled, superseded, granted)


def let_in_all(
    session: Session, arrivals: Iterable[Arrival], *, by: int | None, reason: str = ""
) -> None:
    """Do what `let_in` does for very many students, of whom nothing is returned.

    A few thousand at once, which is what memory has to hold; no source may come twice.
    """
    moment = now()  # one for rows and trail, by which they can be rebuilt
    special = arriving.find_newcomers(session, arrivals, moment=moment)
    if not all(newcomer.has_seat for newcomer in special.values()):
        raise CourseFull
    waiting = [pair for pair, newcomer in special.items() if newcomer.has_request]
    _supersede_requests(session, waiting, by=by)
    arriving.enroll_newcomers(session)
    students = arriving.grant_carried(session, by=by, reason=reason, moment=moment)
    if students:
        touch(session, "access", students=students)
    if offered := [pair for pair, newcomer in special.items() if newcomer.has_offer]:
        accept_offers(session, offered, by=by)
    if buying := [pair for pair, newcomer in special.items() if newcomer.has_checkout]:
        already_has(session, arriving.without_paying(session, buying), "enrolled")
    if limited := arriving.limited_courses(session):
        line_up(session, limited)
        touch(session, "catalogue")


def _is_for_nothing(source: Source, entering: Mapping[Pair, Newcomer]) -> bool:
    """Whether a student gets without paying what a checkout of theirs is open for.

    Of two payments the one that came second says so itself, whatever the order they are told in.
    """
    newcomer = entering.get(source.pair)
    return newcomer is not None and newcomer.has_checkout and source.kind != "payment"


def end_sources(
    session: Session, sources: Collection[Source], *, by: int | None, reason: str = ""
) -> dict[Pair, int]:
    """Take sources away, and the enrollments left without any; return the ids of these."""
    taken = take_sources(session, sources)
    remaining = record_withdrawn(session, taken, by=by, reason=reason)
    _refresh(session, remaining)
    lost = kinds_by_pair(source for source in taken if source.pair not in remaining)
    return _end(session, lost, by=by, reason=reason)


def record_withdrawn(
    session: Session,
    withdrawn: Collection[Source],
    *,
    by: int | None,
    reason: str,
    details: Mapping[str, Any] = MappingProxyType({}),
) -> dict[Pair, list[str]]:
    """Write down which sources are gone, or the trail would bring them back; return what is left.

    That is the kinds of sources by which these students still have access.
    """
    remaining = kinds_by_pair(sources_of(session, {source.pair for source in withdrawn}))
    entries: list[Entry] = [
        (
            *source.pair,
            {
                "source": source.kind,
                "reference": source.reference,
                "remaining": remaining.get(source.pair, []),
                **details,
            },
        )
        for source in withdrawn
    ]
    record_all(session, "access.source_withdrawn", entries, by=by, reason=reason)
    return remaining


def end_access(
    session: Session, pairs: Iterable[Pair], *, by: int | None, reason: str = ""
) -> dict[Pair, int]:
    """End every source of these students' access, and their enrollments; return the ids of these.

    What the students completed is kept.
    """
    pairs = list(pairs)
    kinds = kinds_by_pair(take_all_sources(session, pairs))
    return _end(session, {pair: kinds.get(pair, []) for pair in pairs}, by=by, reason=reason)


def is_enrolled(session: Session, student_id: int, course_id: int) -> bool:
    """Return whether a student is enrolled, in the transaction of a verb."""
    found = run(session, _enrollment(), student=student_id, course=course_id)
    return found.scalar() is not None


@cache
def _enrollment() -> Select[int]:
    return select(Enrollment.id).where(
        Enrollment.user_id == STUDENT, Enrollment.course_id == COURSE
    )


def _supersede_requests(session: Session, pairs: list[Pair], *, by: int | None) -> dict[Pair, int]:
    if not pairs:
        return {}
    requests = sorted(run(session, _superseding(), pairs=pairs))
    record_all(
        session,
        "request.superseded",
        [(student, course, {"request_id": number}) for number, student, course in requests],
        by=by,
    )
    touch(session, "requests")
    return {(student, course): number for number, student, course in requests}


@cache
def _superseding() -> ReturningDelete[int, int, int]:
    return (
        delete(AccessRequest)
        .where(of_pairs(AccessRequest, PAIRS), is_pending())
        .returning(AccessRequest.id, AccessRequest.student_id, AccessRequest.course_id)
    )


def _enroll(
    session: Session, arriving: Collection[Pair], past: Mapping[Pair, Past], *, moment: datetime
) -> dict[Pair, Any]:
    """Insert both mirrored rows with the progress of what was completed in earlier times."""
    if not arriving:
        return {}
    dated = [(pair, past.get(pair, Past())) for pair in arriving]
    new = [(*pair, known.enrolled_at, known.completed_at) for pair, known in dated]
    rows = run(session, _enrolling(), new=new, moment=moment).all()
    add_mirrors(session, [(*pair, known.last_activity_at) for pair, known in dated])
    if completed := [(row.user_id, row.course_id) for row in rows if row.progress == 100]:
        issue(session, OF_PAIRS, pairs=completed)
    return {(row.user_id, row.course_id): row for row in rows}


@cache
def _enrolling() -> ReturningInsert[*tuple[Any, ...]]:
    times = {"enrolled_at": UtcDateTime(), "completed_at": UtcDateTime()}
    new = as_table(bindparam("new", type_=Rows()), **PAIR, **times)
    student, course = new.c.student_id, new.c.course_id
    enrolled_at = enrolled_since(new.c.enrolled_at, student, course)
    share = share_completed(student, course)
    last = last_completion(student, course)
    completed_at = func.coalesce(new.c.completed_at, last, enrolled_at)
    return (
        insert(Enrollment)
        .from_select(
            ["user_id", "course_id", "progress", "enrolled_at", "completed_at"],
            select(student, course, share, enrolled_at, case((share == 100, completed_at)))
            .where(student.is_not(None))  # else SQLite takes ON CONFLICT for that of a join
            .order_by(new.c.place),
        )
        .on_conflict_do_nothing()
        .returning(
            *(Enrollment.id, Enrollment.user_id, Enrollment.course_id),
            *(Enrollment.progress, Enrollment.enrolled_at),
        )
    )


def _record_grants(
    session: Session,
    granted: list[Source],
    enrolled: Mapping[Pair, Any],
    past: Mapping[Pair, Past],
    *,
    this: Grant,
    reason: str,
) -> None:
    """Write down all that it takes to rebuild this access."""
    new = set(enrolled)
    entries: list[Entry] = []
    for source in granted:
        details: dict[str, Any] = {
            "source": source.kind,
            "reference": source.reference,
            "enrolled": source.pair in new,
        }
        known = past.get(source.pair, Past())
        if source.pair in new:  # it was the first of them that let the student in
            new.discard(source.pair)
            details |= _times(enrolled[source.pair].enrolled_at, known, this)
        entries.append((*source.pair, {**details, **known.details}))
    record_all(session, "access.granted", entries, by=this.by, reason=reason, moment=this.at)


def _times(enrolled_at: datetime, known: Past, this: Grant) -> dict[str, str]:
    """Return what the moment of the entry doesn't say of an enrollment of earlier times."""
    times = {
        "enrolled_at": enrolled_at if enrolled_at != this.at else None,
        "last_activity_at": known.last_activity_at,
    }
    return {name: moment.isoformat() for name, moment in times.items() if moment}


def _end(
    session: Session, ending: Mapping[Pair, list[str]], *, by: int | None, reason: str
) -> dict[Pair, int]:
    """End enrollments whose sources, of these kinds, are gone."""
    if not ending:
        return {}
    # The mirror by name, too: the key that would carry it along may be missing.
    run(session, _ending_mirrors(), pairs=ending)
    deleted = run(session, _ending(), pairs=ending)
    ended = {(student, course): number for number, student, course in sorted(deleted)}
    record_all(
        session,
        "access.ended",
        [(*pair, {"sources": ending[pair]}) for pair in ended],
        by=by,
        reason=reason,
    )
    _refresh(session, ended)
    courses = sorted({course for _, course in ended})
    if ended and run(session, _limited(), courses=courses).scalar():
        touch(session, "catalogue")
    return ended


@cache
def _ending_mirrors() -> Delete:
    return delete(StudentProgress).where(of_pairs(StudentProgress, PAIRS))


@cache
def _ending() -> ReturningDelete[int, int, int]:
    return (
        delete(Enrollment)
        .where(of_pairs(Enrollment, PAIRS))
        .returning(Enrollment.id, Enrollment.user_id, Enrollment.course_id)
    )


@cache
def _limited() -> Select[bool]:
    """Select whether the catalogue shows how many seats are left in one of these courses."""
    courses = bindparam("courses", type_=Integer, expanding=True)
    return select(exists().where(Course.id.in_(courses), Course.capacity.is_not(None)))


def _refresh(session: Session, pairs: Collection[Pair]) -> None:
    """Refresh the pages that show the access of these students."""
    if pairs:
        touch(session, "access", students={student for student, _ in pairs})
