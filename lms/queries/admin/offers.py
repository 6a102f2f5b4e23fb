"""The seats that are held by offers, as admins see them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Select, bindparam, select
from sqlalchemy.types import Integer

from lms.models import Course, Offer, User, holds_seat
from lms.queries.read_model import columns, read, read_model, stream
from lms.refusals import OfferNotFound

MOST = 100
"""Of one course on its page: those that end first."""
Of = Literal["course", "student", "offer"]


@read_model
class HeldOffer:
    """A seat that is held for a student, at the price that was offered."""

    id: int
    student_id: int
    student_name: str
    student_email: str
    course_id: int
    course_title: str
    price_cents: int
    currency: str
    expires_at: datetime


def open_offers(of: Of, number: int) -> list[HeldOffer]:
    """Return the open offers of a course or of a student, the first to end before the others."""
    return read(HeldOffer, _first(of), number=number)


def every_open_offer(of: Of, number: int) -> Iterator[HeldOffer]:
    """Yield all open offers of a course or of a student, in the same order."""
    return stream(HeldOffer, _open(of), number=number)


def open_offer(offer_id: int) -> HeldOffer:
    """Return an offer that is open; raises OfferNotFound."""
    for found in open_offers("offer", offer_id):
        return found
    raise OfferNotFound


@cache
def _first(of: Of) -> Select[*tuple[Any, ...]]:
    return _open(of).limit(MOST)


@cache
def _open(of: Of) -> Select[*tuple[Any, ...]]:
    keys: Mapping[Of, Any] = {
        "course": Offer.course_id,
        "student": Offer.student_id,
        "offer": Offer.id,
    }
    named: dict[str, Any] = {
        "student_name": User.name,
        "student_email": User.email,
        "course_title": Course.title,
    }
    return (
        select(*columns(HeldOffer, Offer, **named))
        .join(User, User.id == Offer.student_id)
        .join(Course, Course.id == Offer.course_id)
        .where(keys[of] == bindparam("number", type_=Integer), holds_seat())
        .order_by(Offer.expires_at, Offer.id)
    )
