"""Seats: no course has more students than its capacity, those with an offer included."""

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select
from sqlalchemy.orm import aliased

from lms.db import UtcDateTime, now
from lms.ledger.offers import end_wrong_offers
from lms.models import Course, Enrollment, Offer, OfferStatus, is_due
from lms.models.columns import normalized
from lms.sync.conditions import both_exist, is_enrolled, is_further
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step

_LATE = timedelta(minutes=10)
"""An offer may be past its end for as long as no verb and no worker has come by."""


def _overfull() -> Select[Any]:
    taken = _count(Enrollment, Enrollment.course_id == Course.id)
    return find(
        Course,
        expected=Course.capacity,
        actual=taken,
        attention="Raise the capacity or unenroll students.",
    ).where(Course.capacity < taken)


def _without_seat() -> Select[Any]:
    """Find offers beyond the seats that there are: of all that are open, the latest."""
    earlier, student = aliased(Offer), aliased(Enrollment)
    before = _count(
        earlier,
        earlier.course_id == Offer.course_id,
        normalized(earlier.status) == "open",
        earlier.id < Offer.id,
    )
    taken = _count(student, student.course_id == Offer.course_id)
    has_no_seat = exists().where(Course.id == Offer.course_id, Course.capacity <= before + taken)
    return find(Offer, expected="a seat", actual="none left").where(
        normalized(Offer.status) == "open",
        has_no_seat,
        ~is_enrolled(Offer.student_id, Offer.course_id),
        both_exist(Offer.student_id, Offer.course_id),
    )


def _while_enrolled() -> Select[Any]:
    return find(Offer, expected="accepted", actual="open while enrolled").where(
        normalized(Offer.status) == "open", is_enrolled(Offer.student_id, Offer.course_id)
    )


def _past_end() -> Select[Any]:
    """Find offers that nobody has ended in time: neither a verb nor the worker."""
    late = bindparam("late", callable_=lambda: now() - _LATE, type_=UtcDateTime)
    return find(Offer, expected="expired", actual="still open after its expiry").where(
        is_due(late), ~is_enrolled(Offer.student_id, Offer.course_id)
    )


def _further_offer() -> Select[Any]:
    pair = (Offer.student_id, Offer.course_id)
    return find(
        Offer, expected="one open offer per student and course", actual="a duplicate"
    ).where(
        normalized(Offer.status) == "open",
        is_further(Offer, *pair, among=lambda older: normalized(older.status) == "open"),
    )


def _count(model: Any, *where: ColumnElement[bool]) -> ColumnElement[int]:
    counted = select(func.count()).where(*where).correlate_except(model)
    return counted.select_from(model).scalar_subquery()


def _end(status: OfferStatus, step: Step) -> None:
    """End offers as verbs do, but for their seats, which the worker passes on."""
    end_wrong_offers(*(step.session, step.ids, status), by=step.by, reason=step.reason, tells=False)


def _end_and_tell(status: OfferStatus, step: Step) -> None:
    end_wrong_offers(*(step.session, step.ids, status), by=step.by, reason=step.reason, tells=True)


KINDS = (
    Kind(
        "over_capacity",
        "Courses over capacity",
        "Nothing: an admin has to raise the capacity or unenroll students.",
        Phase.SEATS,
        (Check(Course, _overfull),),
    ),
    Kind(
        "offer_while_enrolled",
        "Open offers of enrolled students",
        "The offer is closed as accepted: the student is enrolled.",
        Phase.SEATS,
        (Check(Offer, _while_enrolled, partial(_end, "accepted")),),
    ),
    Kind(
        "duplicate_offer",
        "Duplicate open offers",
        "The first offer stays open; the others are withdrawn.",
        Phase.SEATS,
        (Check(Offer, _further_offer, partial(_end, "withdrawn")),),
    ),
    Kind(
        "offer_past_end",
        "Open offers that should have expired",
        "The offer expires, and the seat goes to the next in line.",
        Phase.SEATS,
        (Check(Offer, _past_end, partial(_end_and_tell, "expired")),),
        announces_itself=True,
    ),
    Kind(
        "offer_without_seat",
        "Offers without a seat",
        "The most recent offers that have no seat are withdrawn, and the students are notified.",
        Phase.SEATS,
        (Check(Offer, _without_seat, partial(_end_and_tell, "withdrawn")),),
        announces_itself=True,
    ),
)
