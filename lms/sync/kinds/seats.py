"""Seats: no course has more students than its capacity."""

from typing import Any

from sqlalchemy import Select, func, select

from lms.models import Course, Enrollment
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase


def _overfull() -> Select[Any]:
    taken = (
        select(func.count())
        .select_from(Enrollment)
        .where(Enrollment.course_id == Course.id)
        .scalar_subquery()
    )
    return find(
        Course,
        expected=Course.capacity,
        actual=taken,
        attention="Raise the capacity or unenroll students.",
    ).where(Course.capacity < taken)


KINDS = (
    Kind(
        "over_capacity",
        "Courses over capacity",
        "Nothing: an admin has to raise the capacity or unenroll students.",
        Phase.SEATS,
        (Check(Course, _overfull),),
    ),
)
