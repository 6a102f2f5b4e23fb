"""Who had access at a moment of the past, by what and why: by the audit trail alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, select, true
from sqlalchemy.orm import aliased

from lms.db import now
from lms.ledger import trail
from lms.ledger.rows import PAIRS, of_pairs
from lms.ledger.trail import Until
from lms.models import AuditEntry, Course, User
from lms.models.columns import constants
from lms.queries.paging import counted, paged, skipped
from lms.queries.read_model import execute, read, read_model, stream
from lms.refusals import CourseNotFound, Invalid, StudentNotFound
from lms.texts import one_line
from lms.times import UTC_NAME, day_of, in_utc, local, place, start_of

Whole = Literal["student", "course"]
"""Of what all accesses are listed."""
_QUOTED = 40
_NUMBER = bindparam("number", type_=Integer)
_INSTANT = timedelta(microseconds=1)
_UNDER_WAY = timedelta(hours=1)
"""An entry is of the time at which it was made, and read once its change is committed."""
_DEACTIVATED, _REACTIVATED = constants("user.deactivated", "user.reactivated")


@dataclass(frozen=True)
class AsOf:
    """A moment of the past that somebody has asked for."""

    asked: str
    words: str
    """When it was, within a sentence."""
    until: Until
    zone: str = UTC_NAME

    @property
    def day(self) -> date:
        """The day, in the zone in which it was asked for."""
        return day_of(self.until.at, self.zone)

    @property
    def is_settled(self) -> bool:
        """Whether the trail can get no more entries of that time: no change takes so long."""
        return now() - self.until.at > _UNDER_WAY


@read_model
class Concerned:
    """A student or a course of the past, perhaps deleted since."""

    id: int
    name: str
    email: str
    since: datetime
    is_gone: bool


@read_model
class _OfPair:
    student_id: int
    student_name: str
    student_email: str
    student_is_active: bool
    course_id: int
    course_title: str


@read_model
class PastSource(_OfPair):
    """One source of access that a student had."""

    kind: str
    reference: int
    granted_at: datetime
    granted_by: str | None
    reason: str
    enrolled_at: datetime


@read_model
class PastAccess(_OfPair):
    """The access of one student to one course, with all its sources."""

    enrolled_at: datetime
    sources: list[PastSource]


@read_model
class PastAccesses:
    """One page of them."""

    accesses: list[PastAccess]
    total: int
    page: int
    pages: int


@read_model
class _Told(_OfPair):
    """A grant that had not been ended, as the trail has it."""

    id: int
    at: datetime
    actor_id: int | None
    details: dict[str, Any] = field(hash=False)
    stands: bool
    reason: str
    giver: str | None


def as_of(text: str, zone: str = UTC_NAME) -> AsOf:
    """Return the end of a day of a zone, or a moment; raises Invalid if it is none of the past.

    A time that names no zone is one of this zone.
    """
    text, present = one_line(text), now()
    try:
        day, moment = date.fromisoformat(text), None
    except ValueError:
        moment = _moment(text, zone)
        day = day_of(moment, zone)
    today = day_of(present, zone)
    if day > today or (moment or present) > present:
        raise Invalid("at", f"{text} is in the future.")
    if moment is None and day < today:
        end = start_of(day + timedelta(days=1), zone) - _INSTANT
        return AsOf(text, f"at the end of {day:%-d %b %Y}", Until(end), zone)
    moment = moment or present  # a day that is not over yet
    seconds = ":%S" if moment.second else ""
    there = local(moment, zone)
    words = f"on {day:%-d %b %Y} at {there:{'%H:%M' + seconds}} {place(zone)}"
    return AsOf(text, words, Until(moment), zone)


def student(number: int, moment: AsOf | None = None) -> Concerned:
    """Return a student; raises StudentNotFound, and Invalid if there was no such account then."""
    found = _concerned(number, User.name, User.email, AuditEntry.student_name)
    if found is None:
        raise StudentNotFound
    if moment is not None:
        _check(moment, found.since, f"{found.name}'s account was opened")
    return found


def course(number: int, moment: AsOf | None = None) -> Concerned:
    """Return a course; raises CourseNotFound, and Invalid if there was no such course then."""
    found = _concerned(number, Course.title, None, AuditEntry.course_title)
    if found is None:
        raise CourseNotFound
    if moment is not None:
        _check(moment, found.since, f"{found.name} was added")
    return found


def was_active(student_id: int, moment: AsOf) -> bool:
    """Return whether the account was not deactivated."""
    return bool(execute(_activity(), number=student_id, **trail.until(moment.until)).scalar())


def access(student_id: int, course_id: int, moment: AsOf) -> PastAccess | None:
    """Return the access of one student to one course; None where there was none."""
    pair = [(student_id, course_id)]
    told = read(_Told, _grants_of_pairs(), pairs=pair, **trail.until(moment.until))
    return _access(told)


def accesses(whole: Whole, number: int, moment: AsOf, *, page: int = 1) -> PastAccesses:
    """Return who had access to a course, by name, or to which courses a student had it."""
    chosen = {"number": number, **trail.until(moment.until)}
    found = execute(paged(_found(whole)), skipped=skipped(page), **chosen).scalars().all()
    pairs = [(each, number) if whole == "course" else (number, each) for each in found]
    told = read(_Told, _grants_of_pairs(), pairs=pairs, **trail.until(moment.until))
    by_pair = {(each.student_id, each.course_id): each for each in _accesses(told)}
    return PastAccesses(
        accesses=[by_pair[pair] for pair in pairs], **counted(_found(whole), page, **chosen)
    )


def every_source(whole: Whole, number: int, moment: AsOf) -> Iterator[PastSource]:
    """Yield all sources of all accesses to a course, or of a student."""
    told = stream(_Told, _all_grants(whole), number=number, **trail.until(moment.until))
    for each in _accesses(told):
        yield from each.sources


def _moment(text: str, zone: str) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        quoted = text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
        raise Invalid(
            "at",
            f"“{quoted}” is not a date. Write it like 2026-05-03, or with a time like"
            " 2026-05-03T14:30.",
        ) from None


def _concerned(number: int, name: Any, email: Any, told_name: Any) -> Concerned | None:
    """Return who or what has this id, or had it by what the trail tells."""
    model = name.class_
    there = select(name.label("name"), model.created_at, *([email] if email is not None else []))
    if row := execute(there.where(model.id == number)).one_or_none():
        known = row.email if email is not None else ""
        return Concerned(id=number, name=row.name, email=known, since=row.created_at, is_gone=False)
    own = AuditEntry.student_id if model is User else AuditEntry.course_id
    entries = select(told_name.label("name"), AuditEntry.at).where(own == number).limit(1)
    last = execute(entries.order_by(AuditEntry.id.desc())).one_or_none()
    if last is None:
        return None
    first = execute(entries.order_by(AuditEntry.id)).one()
    return Concerned(id=number, name=last.name, email="", since=first.at, is_gone=True)


def _check(moment: AsOf, since: datetime, what: str) -> None:
    begins = execute(select(func.min(AuditEntry.at))).scalar()
    if begins is None or moment.until.at < begins:
        when = f"on {day_of(begins, moment.zone)}" if begins else "with the first change"
        raise Invalid("at", f"The audit trail begins {when}: it doesn't cover {moment.asked}.")
    if moment.until.at < since:
        raise Invalid("at", f"{what} on {day_of(since, moment.zone)}, after {moment.asked}.")


def _accesses(told: Iterable[_Told]) -> Iterator[PastAccess]:
    """Yield accesses from their grants, those of one student and course together."""
    for _, entries in groupby(told, key=lambda each: (each.student_id, each.course_id)):
        if (made := _access(list(entries))) is not None:
            yield made


def _access(told: list[_Told]) -> PastAccess | None:
    first = trail.first_grants(told)
    if not first:
        return None
    latest, enrolled_at = told[-1], trail.begun(told)
    concerned: dict[str, Any] = {each.name: getattr(latest, each.name) for each in fields(_OfPair)}
    concerned["enrolled_at"] = enrolled_at
    sources = [
        PastSource(
            kind=source.kind,
            reference=source.reference,
            granted_at=trail.grant_told(grant).at,
            granted_by=_giver(grant),
            reason=grant.reason,
            **concerned,
        )
        for source, grant in first.items()
    ]
    return PastAccess(sources=sources, **concerned)


def _giver(grant: _Told) -> str | None:
    """Return the name of who gave a source; a repair keeps who had given it before."""
    by = trail.grant_told(grant).by
    if by is None:
        return None
    return grant.giver or "a deleted account"


@cache
def _activity() -> Select[Any]:
    return select(_was_active(_NUMBER))


def _was_active(student: Any) -> Any:
    """Return whether an account was active, by the switch before or else the opposite of the next.

    Without any it has always been as it is: an import opens accounts that are deactivated, of
    which the trail has no switch. Whoever is gone without one counts as active.
    """
    switch, account = aliased(AuditEntry), aliased(User)
    switches = (switch.student_id == student, switch.action.in_((_DEACTIVATED, _REACTIVATED)))
    told = trail.within(switch)
    before = select(switch.action == _REACTIVATED).where(*switches, *told)
    after = select(switch.action == _DEACTIVATED).where(*switches, ~and_(*told))
    today = select(account.is_active).where(account.id == student)
    return func.coalesce(
        before.order_by(switch.id.desc()).limit(1).correlate_except(switch).scalar_subquery(),
        after.order_by(switch.id).limit(1).correlate_except(switch).scalar_subquery(),
        today.correlate_except(account).scalar_subquery(),
        true(),
    )


@cache
def _found(whole: Whole) -> Select[Any]:
    """Select the ids of all students of a course who had access, or of all courses of a student."""
    own, other, told_name, model, name = _sides(whole)
    found = (
        select(other.label("id"), func.max(told_name).label("name"))
        .where(own == _NUMBER, trail.stood())
        .group_by(other)
        .subquery()
    )
    called = func.coalesce(name, found.c.name)
    return (
        select(found.c.id)
        .outerjoin_from(found, model, model.id == found.c.id)
        .order_by(called, found.c.id)
    )


def _sides(whole: Whole) -> tuple[Any, ...]:
    student = (AuditEntry.student_id, AuditEntry.student_name, User, User.name)
    course = (AuditEntry.course_id, AuditEntry.course_title, Course, Course.title)
    own, other = (course, student) if whole == "course" else (student, course)
    return own[0], *other


@cache
def _grants_of_pairs() -> Select[Any]:
    return _grants(of_pairs(AuditEntry, PAIRS)).order_by(
        AuditEntry.student_id, AuditEntry.course_id, AuditEntry.id
    )


@cache
def _all_grants(whole: Whole) -> Select[Any]:
    own, other, told_name, _, name = _sides(whole)
    # Whoever was renamed and deleted has several names in the trail.
    called = func.max(func.coalesce(name, told_name)).over(partition_by=other)
    return _grants(own == _NUMBER).order_by(called, other, AuditEntry.id)


def _grants(chosen: ColumnElement[bool]) -> Select[Any]:
    """Select grants with the names of all concerned, of those who are gone as they were then."""
    giver, act = aliased(User), aliased(AuditEntry)
    by = func.coalesce(AuditEntry.details["granted_by"].as_integer(), AuditEntry.actor_id)
    last_called = (
        select(act.actor_name)
        .where(act.actor_id == by)
        .order_by(act.id.desc())
        .limit(1)
        .correlate_except(act)
        .scalar_subquery()
    )
    return (
        trail.grants(chosen, past=True)
        .order_by(None)
        .add_columns(
            AuditEntry.reason,
            func.coalesce(giver.name, last_called).label("giver"),
            func.coalesce(User.name, AuditEntry.student_name).label("student_name"),
            func.coalesce(User.email, "").label("student_email"),
            _was_active(AuditEntry.student_id).label("student_is_active"),
            func.coalesce(Course.title, AuditEntry.course_title).label("course_title"),
        )
        .outerjoin(giver, giver.id == by)
        .outerjoin(User, User.id == AuditEntry.student_id)
        .outerjoin(Course, Course.id == AuditEntry.course_id)
    )
