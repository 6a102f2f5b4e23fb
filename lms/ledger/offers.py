"""Offers of a seat: how they are made and how they end; the caller holds the course's seats."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, Update, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from lms import school
from lms.config import setting
from lms.db import UtcDateTime, now
from lms.ledger.audit import Entry, record, record_all
from lms.ledger.rows import PAIRS, Pair, of_pairs
from lms.ledger.seats import line_up
from lms.live import touch
from lms.messages.catalogue import OfferExpired, OfferMade, OfferWithdrawn
from lms.messages.notices import announce
from lms.models import Course, Offer, OfferStatus, can_be_bought, holds_seat, is_due
from lms.statements import COURSE, MOMENT, STUDENT, run
from lms.upsert import insert

Which = Literal["due", "pairs", "student", "course", "decision", "offer", "own", "ids"]
_OFFER = bindparam("offer", type_=Integer)
_NUMBER = bindparam("number", type_=Integer)


class OpenOffer(NamedTuple):
    """A seat that is held for a student, at a price."""

    id: int
    price_cents: int
    currency: str
    expires_at: datetime
    decision_id: int | None


class EndedOffer(NamedTuple):
    """An offer that is over."""

    id: int
    student_id: int
    course_id: int
    decision_id: int | None

    @property
    def pair(self) -> Pair:
        """The student and the course."""
        return self.student_id, self.course_id


_OPEN = (Offer.id, Offer.price_cents, Offer.currency, Offer.expires_at, Offer.decision_id)


def make_offer(
    session: Session,
    course: Course,
    student_id: int,
    *,
    decision_id: int | None,
    by: int | None,
    reason: str = "",
    tells: bool = True,
) -> OpenOffer:
    """Hold a free seat for a student, and notify them until when they can buy it.

    An offer that the student has already stays as it is, and becomes that of the decision. One that
    is over, but for money on its way, is held as long as a new one.
    """
    moment = now()
    own = school.of(session)
    expires_at = moment + timedelta(days=own.offer_days)
    held = _offer_held(session, student_id, course.id)
    if held is not None and held.expires_at <= moment:
        end_due(session, course.id)
        held = _offer_held(session, student_id, course.id)
    if held is not None:
        until = expires_at if held.expires_at <= moment else held.expires_at
        number = decision_id or held.decision_id
        run(session, _basing(), offer=held.id, number=number, until=until)
        return held._replace(decision_id=number, expires_at=until)
    made = run(
        *(session, _making()),
        student_id=student_id,
        course_id=course.id,
        decision_id=decision_id,
        price_cents=course.price_cents,
        currency=course.currency,
        status="open",
        created_at=moment,
        expires_at=expires_at,
    )
    offer = OpenOffer(*made.one())
    record(
        session,
        "offer.made",
        by=by,
        student_id=student_id,
        course_id=course.id,
        reason=reason,
        offer_id=offer.id,
        price_cents=offer.price_cents,
        currency=offer.currency,
        expires_at=offer.expires_at.isoformat(),
    )
    if tells:
        terms = (course.id, course.title, offer.price_cents, offer.currency, offer.expires_at)
        news = OfferMade(
            *terms,
            is_approved=decision_id is not None,
            is_sold_online=bool(setting("STRIPE_SECRET_KEY")),
            says_how=bool(own.how_to_pay),
            reason=reason,
        )
        announce(session, news, student_id, key=f"offer-{offer.id}-made")
    line_up(session, [course.id])
    touch(session, "requests", "access", "catalogue", students=[student_id])
    return offer


def _offer_held(session: Session, student_id: int, course_id: int) -> OpenOffer | None:
    row = run(session, _held(), student=student_id, course=course_id).one_or_none()
    return OpenOffer(*row) if row else None


@cache
def _held() -> Select[*tuple[Any, ...]]:
    of_pair = (Offer.student_id == STUDENT, Offer.course_id == COURSE)
    return select(*_OPEN).where(*of_pair, holds_seat())


@cache
def _making() -> ReturningInsert[*tuple[Any, ...]]:
    return insert(Offer).returning(*_OPEN)


@cache
def _basing() -> Update:
    until = bindparam("until", type_=UtcDateTime)
    return update(Offer).where(Offer.id == _OFFER).values(decision_id=_NUMBER, expires_at=until)


def offer_to_buy(session: Session, student_id: int, course_id: int) -> OpenOffer | None:
    """Return what a student can buy a seat by at this moment, if anything."""
    found = run(session, _buyable(), student=student_id, course=course_id, moment=now())
    row = found.one_or_none()
    return OpenOffer(*row) if row else None


@cache
def _buyable() -> Select[*tuple[Any, ...]]:
    of_pair = (Offer.student_id == STUDENT, Offer.course_id == COURSE)
    return select(*_OPEN).where(*of_pair, can_be_bought(MOMENT))


def offer_of(session: Session, decision_id: int) -> OpenOffer | None:
    """Return the offer that an approval has made, while it is open."""
    row = run(session, _made_by(), number=decision_id).one_or_none()
    return OpenOffer(*row) if row else None


@cache
def _made_by() -> Select[*tuple[Any, ...]]:
    return select(*_OPEN).where(Offer.decision_id == _NUMBER, holds_seat())


def end_due(session: Session, course_id: int) -> list[EndedOffer]:
    """End the course's offers whose time is over, and return them."""
    ended = _end(session, "due", "expired", by=None, course=course_id)
    _announce(session, ended, "expired")
    return ended


def accept_offers(session: Session, pairs: Sequence[Pair], *, by: int | None) -> None:
    """End the offers of students who are enrolled now: their seats are taken."""
    _end(session, "pairs", "accepted", by=by, pairs=pairs)


def decline_offer(session: Session, offer_id: int, *, by: int) -> EndedOffer | None:
    """End a student's own offer, whose seat they don't want; None if it is over."""
    ended = _end(session, "own", "declined", by=by, offer=offer_id, student=by)
    return ended[0] if ended else None


def withdraw_offers(
    session: Session,
    which: Literal["student", "course", "decision", "offer"],
    number: int,
    *,
    by: int | None,
    reason: str = "",
    tells: bool = True,
) -> list[EndedOffer]:
    """End the open offers of a student, a course or a decision, or one, and return them.

    The students are notified of the reason, unless the caller notifies them itself.
    """
    ended = _end(session, which, "withdrawn", by=by, reason=reason, number=number)
    if tells:
        _announce(session, ended, "withdrawn", reason=reason)
    return ended


def end_wrong_offers(
    session: Session,
    ids: Sequence[int],
    status: OfferStatus,
    *,
    by: int | None,
    reason: str,
    tells: bool,
) -> None:
    """End offers that should no longer be open, and notify students who lose a seat."""
    ended = _end(session, "ids", status, by=by, reason=reason, ids=ids)
    if tells:
        _announce(session, ended, status)


def _end(
    session: Session,
    which: Which,
    status: OfferStatus,
    *,
    by: int | None,
    reason: str = "",
    **values: Any,
) -> list[EndedOffer]:
    """End the open offers that are meant; each ends once."""
    rows = run(session, _ending(which, status), moment=now(), **values)
    ended = [EndedOffer(*row) for row in sorted(rows)]
    entries: list[Entry] = [(*offer.pair, {"offer_id": offer.id}) for offer in ended]
    record_all(session, f"offer.{status}", entries, by=by, reason=reason)
    if ended:
        students = {offer.student_id for offer in ended}
        touch(session, "requests", "access", "catalogue", students=students)
    return ended


@cache
def _ending(which: Which, status: str) -> ReturningUpdate[*tuple[Any, ...]]:
    chosen: dict[Which, list[ColumnElement[bool]]] = {
        "due": [Offer.course_id == COURSE, is_due(MOMENT)],
        "pairs": [of_pairs(Offer, PAIRS)],
        "student": [Offer.student_id == _NUMBER],
        "course": [Offer.course_id == _NUMBER],
        "decision": [Offer.decision_id == _NUMBER],
        "offer": [Offer.id == _NUMBER],
        "own": [Offer.id == _OFFER, Offer.student_id == STUDENT],
        "ids": [Offer.id.in_(bindparam("ids", type_=Integer, expanding=True))],
    }
    return (
        update(Offer)
        .where(*chosen[which], holds_seat())
        .values(status=status, ended_at=MOMENT)
        .returning(Offer.id, Offer.student_id, Offer.course_id, Offer.decision_id)
    )


def _announce(
    session: Session, ended: Sequence[EndedOffer], status: OfferStatus, *, reason: str = ""
) -> None:
    for offer in ended:
        title = session.scalar(select(Course.title).where(Course.id == offer.course_id)) or ""
        news = (
            OfferExpired(offer.course_id, title)
            if status == "expired"
            else OfferWithdrawn(offer.course_id, title, reason=reason)
        )
        announce(session, news, offer.student_id, key=f"offer-{offer.id}-ended")
