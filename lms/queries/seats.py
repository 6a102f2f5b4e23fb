"""Seats that offers hold, where the sums say how many are taken."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from lms.models import Course, Offer, holds_seat


def seats_held() -> ColumnElement[int]:
    """Return the SQL of how many seats of a course are held for students to buy."""
    held = aliased(Offer)
    counted = select(func.count()).where(held.course_id == Course.id, holds_seat(held))
    return counted.scalar_subquery()
