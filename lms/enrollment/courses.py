"""Courses and chapters: changing them changes access and progress, so it happens here."""

from dataclasses import asdict, replace
from functools import cache
from typing import Any, get_args

from sqlalchemy import Select, String, cast, delete, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms.currencies import CURRENCIES
from lms.db import LARGEST_ID, now
from lms.enrollment.access import notify
from lms.enrollment.covers import Cover, cover_changed, cover_uploaded
from lms.enrollment.defaults import grant_default_course, withdraw_default_course
from lms.enrollment.seen import merged, merged_course, of_chapter, of_course
from lms.enrollment.uploaded import Picture, uploaded
from lms.identity import checked_line
from lms.ledger.access import let_in
from lms.ledger.audit import Entry, course_edited, record, record_all
from lms.ledger.locks import lock_course, lock_defaults
from lms.ledger.offers import end_due, withdraw_offers
from lms.ledger.payment_endings import course_removed
from lms.ledger.progress import OF_COURSE, recompute_progress
from lms.ledger.sales import course_off_sale, terms_changed
from lms.ledger.seats import line_up
from lms.ledger.sources import Source
from lms.ledger.waiting import pass_on_seats
from lms.live import touch
from lms.messages.catalogue import CourseRemoved, Enrolled, RequestClosed
from lms.messages.notices import announce_all
from lms.models import (
    AccessRequest,
    Chapter,
    ChapterCompletion,
    Course,
    CourseStatus,
    Enrollment,
    Offer,
    Payment,
    holds_seat,
    is_pending,
)
from lms.models.catalog import CourseFields
from lms.models.payment_status import GIVING_ACCESS
from lms.money import is_currency, is_sold, prices
from lms.refusals import ChapterNotFound, Invalid
from lms.statements import COURSE
from lms.texts import UNSTORABLE, counted, is_storable
from lms.transaction import transactional

_ENROLLED = select(Enrollment.user_id, literal("unenrolled-") + cast(Enrollment.id, String)).where(
    Enrollment.course_id == COURSE
)
_LINES = {"title", "teacher", "duration", "code"}
_FREE = "The course is now free."
_WAITING = select(
    AccessRequest.student_id, literal("closed-") + cast(AccessRequest.id, String)
).where(AccessRequest.course_id == COURSE, is_pending())

_OFFERED = select(Offer.student_id, literal("offer-closed-") + cast(Offer.id, String)).where(
    Offer.course_id == COURSE, Offer.status == "open"
)


@uploaded
@transactional
def create_course(
    session: Session, fields: CourseFields, *, picture: Picture | None = None, by: int | None
) -> int:
    """Add a course and return its id; one open to all enrolls everyone at once."""
    values = _sound(fields)
    lock_defaults(session)
    course = Course(**asdict(values), created_at=now())
    session.add(course)
    _write_code(session, course)
    record(session, "course.created", by=by, course_id=course.id, **asdict(values))
    if picture is not None:
        cover_uploaded(session, course.id, picture, by=by)
    if course.is_default_unlocked and course.is_visible:
        grant_default_course(session, course)
    touch(session, "catalogue")
    return course.id


@uploaded
@transactional
def edit_course(
    session: Session,
    course_id: int,
    fields: CourseFields,
    *,
    picture: Picture | Cover | None = None,
    seen: str | None = None,
    by: int | None,
) -> None:
    """Change a course, and the default access that depends on it; `seen`: see `seen.merged`.

    Without a picture it keeps the one that it has.
    """
    wished = _sound(fields)
    lock_defaults(session)
    course = lock_course(session, course_id, "change")
    before, was_on_sale = of_course(course), course.is_on_sale
    values = merged_course(course, wished, seen)
    end_due(session, course_id)
    _refuse_too_few_seats(session, course_id, values.capacity)
    cover_changed(session, course_id, picture, by=by)
    changes = {
        key: [before[key], value] for key, value in asdict(values).items() if before[key] != value
    }
    if not changes:
        return
    line_up(session, [course_id])  # whoever waits while it is full may have a seat now
    for key, (_, value) in changes.items():
        setattr(course, key, value)
    _write_code(session, course)
    details = course_edited(changes, before["currency"])
    record(session, "course.edited", by=by, course_id=course_id, **details)
    if course.is_default_unlocked and course.is_visible:
        grant_default_course(session, course)
    elif before["is_default_unlocked"] and not course.is_default_unlocked:
        withdraw_default_course(session, course, by=by)
    if was_on_sale and not course.is_on_sale:
        course_off_sale(session, course)
    elif was_on_sale:
        terms_changed(
            session,
            course,
            needs_approval="requires_approval" in changes and course.requires_approval,
        )
    _adjust_offers(session, course, by=by)
    touch(session, "catalogue")


def course_faults(fields: CourseFields) -> list[Invalid]:
    """Return all that is wrong with a course by itself, of which the verbs tell the first."""
    return _checked(fields)[1]


@transactional
def archive_course(session: Session, course_id: int, *, by: int | None) -> None:
    """Remove a course from the catalog; enrolled students keep access."""
    course = lock_course(session, course_id, "change")
    if course.status == "archived":
        return
    record(
        session,
        "course.edited",
        by=by,
        course_id=course_id,
        changes={"status": [course.status, "archived"]},
    )
    course.status = "archived"
    course_off_sale(session, course)
    _adjust_offers(session, course, by=by)
    touch(session, "catalogue")


@transactional
def delete_course(session: Session, course_id: int, *, by: int | None, reason: str = "") -> None:
    """Remove a course with all learning in it; payments stay, with what was bought readable."""
    course = lock_course(session, course_id, "change")
    enrolled = select(Enrollment.user_id).where(Enrollment.course_id == course_id)
    waiting = select(AccessRequest.student_id).where(AccessRequest.course_id == course_id)
    for action, students in (("access.ended", enrolled), ("request.dropped", waiting)):
        entries: list[Entry] = [(student, course_id, {}) for student in session.scalars(students)]
        record_all(session, action, entries, by=by, reason=reason)
    _announce_removal(session, course)
    withdraw_offers(session, "course", course.id, by=by, reason=reason, tells=False)
    course_removed(session, course, by=by, reason=reason)
    record(session, "course.deleted", by=by, course_id=course_id, reason=reason)
    session.execute(delete(Course).where(Course.id == course_id))
    touch(session, "catalogue", "requests", "access", "payments")


@transactional
def add_chapter(session: Session, course_id: int, *, title: str, body: str, by: int | None) -> int:
    """Append a chapter and return its id; everyone's progress is recomputed."""
    lock_course(session, course_id, "change")
    last = session.scalar(select(func.max(Chapter.position)).where(Chapter.course_id == course_id))
    chapter = Chapter(
        course_id=course_id,
        title=_chapter_title(title),
        body=_fitting(Chapter, "body", body),
        position=(last or 0) + 1,
    )
    session.add(chapter)
    session.flush()
    recompute_progress(session, OF_COURSE, course=course_id)
    record(session, "chapter.added", by=by, course_id=course_id, chapter_id=chapter.id)
    touch(session, "catalogue", "progress")
    return chapter.id


@transactional
def edit_chapter(
    session: Session,
    chapter_id: int,
    *,
    title: str,
    body: str,
    seen: str | None = None,
    by: int | None,
) -> None:
    """Change a chapter's title and text; `seen`: see `seen.merged`."""
    chapter = _lock_chapter(session, chapter_id)
    wished = {"title": _chapter_title(title), "body": _fitting(Chapter, "body", body)}
    before = of_chapter(chapter)
    values = merged(before, wished, seen)
    changes: dict[str, Any] = {
        name: [before[name], value] for name, value in values.items() if before[name] != value
    }
    if not changes:
        return
    told: dict[str, Any] = {"chapter_id": chapter_id, "title": before["title"], "changes": changes}
    if "body" in changes:
        changes["body"] = [len(text) for text in changes["body"]]
    chapter.title, chapter.body = values["title"], values["body"]
    record(session, "chapter.edited", by=by, course_id=chapter.course_id, **told)
    touch(session, "catalogue")


@transactional
def delete_chapter(session: Session, chapter_id: int, *, by: int | None) -> None:
    """Remove a chapter with its completions; everyone's progress is recomputed."""
    chapter = _lock_chapter(session, chapter_id)
    course_id, title = chapter.course_id, chapter.title
    completions = session.scalar(
        select(func.count(ChapterCompletion.id)).where(ChapterCompletion.chapter_id == chapter_id)
    )
    session.execute(delete(Chapter).where(Chapter.id == chapter_id))
    recompute_progress(session, OF_COURSE, course=course_id)
    record(
        session,
        "chapter.deleted",
        by=by,
        course_id=course_id,
        chapter_id=chapter_id,
        title=title,
        completions=completions,
    )
    touch(session, "catalogue", "progress")


@transactional
def move_chapter(session: Session, chapter_id: int, *, up: bool, by: int | None) -> None:
    """Swap a chapter with the one before or after it; at the end of the list nothing moves."""
    chapter = _lock_chapter(session, chapter_id)
    chapters = list(
        session.scalars(
            select(Chapter)
            .where(Chapter.course_id == chapter.course_id)
            .order_by(Chapter.position, Chapter.id)
        )
    )
    here = chapters.index(chapter)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(chapters):
        return
    chapters[here], chapters[there] = chapters[there], chapters[here]
    for position, each in enumerate(chapters, start=1):
        each.position = position
    order = [each.id for each in chapters]
    record(session, "chapter.ordered", by=by, course_id=chapter.course_id, order=order)
    touch(session, "catalogue")


def normalize_status(status: str) -> str:
    """Return the status as it is stored, from any case and with stray blanks."""
    return status.strip().lower()


def _refuse_too_few_seats(session: Session, course_id: int, capacity: int | None) -> None:
    taken, held = session.execute(_seats(), {"course": course_id}).one()
    if capacity is None or capacity >= taken + held:
        return
    enrolled = f"{counted(taken, 'student')} {'is' if taken == 1 else 'are'} enrolled"
    offered = f" and {counted(held, 'seat')} {'is' if held == 1 else 'are'} held by offers"
    raise Invalid(
        "capacity",
        f"{enrolled}{offered if held else ''}."
        f" Allow at least {taken + held}, or unenroll students"
        f"{' or withdraw offers' if held else ''} first.",
    )


@cache
def _seats() -> Select[int, int]:
    taken = select(func.count()).select_from(Enrollment).where(Enrollment.course_id == COURSE)
    held = select(func.count()).select_from(Offer).where(Offer.course_id == COURSE, holds_seat())
    return select(taken.scalar_subquery(), held.scalar_subquery())


def _adjust_offers(session: Session, course: Course, *, by: int | None) -> None:
    """Do what a change of the course means for offers and for those who wait.

    Nobody can buy what is not open to students; and what costs nothing any more is given to those
    who were approved.
    """
    if not course.is_visible:
        withdraw_offers(session, "course", course.id, by=by)
    elif course.price_cents == 0:
        approved = select(Offer.student_id, Offer.decision_id).where(
            Offer.course_id == course.id, Offer.decision_id.is_not(None), holds_seat()
        )
        sources = [
            Source(student_id, course.id, "approval", decision_id or 0)
            for student_id, decision_id in session.execute(approved.order_by(Offer.id))
        ]
        enrolled = let_in(session, sources, by=by, reason=_FREE).enrolled
        notify(session, Enrolled(course.id, course.title), "enrolled", enrolled)
        withdraw_offers(session, "course", course.id, by=by, reason=_FREE)
    pass_on_seats(session, course)


def _announce_removal(session: Session, course: Course) -> None:
    giving = select(Payment.id).where(
        Payment.course_id == course.id, Payment.status.in_(GIVING_ACCESS)
    )
    is_sold = session.scalar(giving.limit(1)) is not None
    announce_all(
        session,
        CourseRemoved(course.id, course.title, is_sold),
        _ENROLLED,
        course=course.id,
    )
    for those in (_WAITING, _OFFERED):
        announce_all(session, RequestClosed(course.id, course.title), those, course=course.id)


def _write_code(session: Session, course: Course) -> None:
    """Write a course whose code no other one has: the database alone can say so."""
    code = course.code
    try:
        session.flush()
    except IntegrityError as error:
        if code is not None and "code" in str(error.orig):
            message = "Another course has this code. Enter a different one, or leave it empty."
            raise Invalid("code", message) from None
        raise


def _sound(fields: CourseFields) -> CourseFields:
    fields, faults = _checked(fields)
    for fault in faults:
        raise fault
    return fields


def _checked(fields: CourseFields) -> tuple[CourseFields, list[Invalid]]:
    """Return what is stored, and all that is wrong with it."""
    fields, faults = _tidied(fields)
    if fields.status not in get_args(CourseStatus):
        faults.append(Invalid("status", f"Choose one of: {', '.join(get_args(CourseStatus))}."))
    if said := _currency_fault(fields.currency):
        faults.append(Invalid("currency", said))
    elif fields.price_cents and not is_sold(fields.price_cents, fields.currency):
        faults.append(Invalid("price_cents", prices(fields.currency)))
    if fields.capacity is not None and not 0 <= fields.capacity <= LARGEST_ID:
        seats = "Enter the number of seats, or leave it empty for no limit."
        faults.append(Invalid("capacity", seats))
    if fields.capacity is not None and fields.is_default_unlocked:
        seats = "A course that is open to everyone can't have a limited capacity. Leave this empty."
        faults.append(Invalid("capacity", seats))
    return fields, faults


def _tidied(fields: CourseFields) -> tuple[CourseFields, list[Invalid]]:
    texts: dict[str, Any] = {
        name: value.strip() for name, value in asdict(fields).items() if isinstance(value, str)
    }
    texts["status"] = normalize_status(fields.status)
    texts["currency"] = texts["currency"].lower()
    faults: list[Invalid] = []
    for name, text in texts.items():
        try:
            texts[name] = checked_line(name, text) if name in _LINES else text
            if name == "title":
                _required(name, texts[name])
            _fitting(Course, name, texts[name])
        except Invalid as fault:
            faults.append(fault)
    texts["code"] = texts.get("code") or None
    return replace(fields, **texts), faults


def _currency_fault(currency: str) -> str:
    if not is_currency(currency):
        return "Enter a three-letter currency code, such as EUR."
    if currency not in CURRENCIES:
        said = f"Stripe doesn't accept {currency.upper()}."
        return f"{said} Enter another currency, such as EUR, USD or GBP."
    return ""


def _chapter_title(text: str) -> str:
    text = checked_line("title", text)
    _required("title", text)
    return _fitting(Chapter, "title", text)


def _required(field: str, text: str) -> None:
    if not text:
        raise Invalid(field, "This can't be empty.")


def _fitting(model: type[Course | Chapter], field: str, text: str) -> str:
    longest: int | None = getattr(model.__table__.c[field].type, "length", None)
    if longest is not None and len(text) > longest:
        raise Invalid(field, f"Use at most {longest:,} characters.")
    if not is_storable(text):
        raise Invalid(field, UNSTORABLE)
    return text


def _lock_chapter(session: Session, chapter_id: int) -> Chapter:
    course_id = session.scalar(select(Chapter.course_id).where(Chapter.id == chapter_id))
    if course_id is None:
        raise ChapterNotFound
    lock_course(session, course_id, "change")
    chapter = session.get(Chapter, chapter_id, populate_existing=True)
    if chapter is None:  # removed while this waited for the course
        raise ChapterNotFound
    return chapter
