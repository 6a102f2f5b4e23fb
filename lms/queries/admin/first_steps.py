"""How far a new school has come."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select

from lms.models import VISIBLE_STATUSES, Chapter, Course, User
from lms.models.columns import constants
from lms.queries.read_model import columns, read, read_model


@read_model
class Beginnings:
    """What of a school is there."""

    first_course: int | None
    has_chapter: bool
    has_open_course: bool
    """One that students see, with something to read."""
    has_price: bool
    has_student: bool


def beginnings() -> Beginnings:
    """Return what of the school is there; each is found by its first row."""
    [found] = read(Beginnings, _asking())
    return found


@cache
def _asking() -> Select[*tuple[Any, ...]]:
    is_open = Course.status.in_(constants(*VISIBLE_STATUSES))
    has: dict[str, ColumnElement[Any]] = {
        "first_course": select(func.min(Course.id)).scalar_subquery(),
        "has_chapter": exists(select(Chapter.id)),
        "has_open_course": exists(select(Chapter.id).join(Course).where(is_open)),
        "has_price": exists(select(Course.id).where(Course.price_cents > 0)),
        "has_student": exists(select(User.id).where(User.role == "student")),
    }
    return select(*columns(Beginnings, None, without=(), **has))
