"""The seats that are held for a student to buy."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Select, select

from lms.db import now
from lms.ledger.paid_waiting import Unsettled, unsettled_status, why_unsettled
from lms.models import VISIBLE_STATUSES, Course, Offer, can_be_bought
from lms.models.columns import constants
from lms.queries.read_model import STUDENT, columns, read, read_model
from lms.statements import MOMENT


@read_model
class StudentOffer:
    """An open offer: a seat held until it expires, at the price offered."""

    id: int
    course_id: int
    course_title: str
    price_cents: int
    currency: str
    expires_at: datetime
    unsettled: Annotated[Unsettled | None, Field(exclude=True)]

    @property
    def kept_payment(self) -> str:
        """Why the student should not pay for it again; blank if they can."""
        return why_unsettled(self.unsettled)


def offers(student_id: int) -> list[StudentOffer]:
    """Return what the student can buy by an offer, the first to end before the others."""
    return read(StudentOffer, _offers(), student_id=student_id, moment=now())


@cache
def _offers() -> Select[*tuple[Any, ...]]:
    return (
        select(
            *columns(
                StudentOffer,
                Offer,
                course_title=Course.title,
                unsettled=unsettled_status(STUDENT, Offer.course_id),
            )
        )
        .join(Course, Course.id == Offer.course_id)
        .where(
            Offer.student_id == STUDENT,
            can_be_bought(MOMENT),
            Course.status.in_(constants(*VISIBLE_STATUSES)),
        )
        .order_by(Offer.expires_at, Offer.id)
    )
