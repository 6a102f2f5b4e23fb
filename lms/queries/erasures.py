"""Who wants to be forgotten, as that person and the admins see it."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from lms.models import ErasureRequest, User, wish_mark
from lms.queries.read_model import columns, read, read_model
from lms.refusals import UserNotFound


@read_model
class Wish:
    """A person's own request to be erased; refused, with the answer, or waiting."""

    reason: str
    created_at: datetime
    refused_at: datetime | None
    answer: str


@read_model
class Wishing:
    """A person as an admin sees them who decides on their erasure."""

    id: int
    name: str
    email: str
    role: str
    reason: str | None
    created_at: datetime | None
    refused_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        """Whether the person has asked and has no answer yet."""
        return self.mark != ""

    @property
    def mark(self) -> str:
        """What a form carries, so that only the wish that its page has shown is granted."""
        return wish_mark(self.created_at, self.refused_at)


def wish_of(user_id: int) -> Wish | None:
    """Return what a person has asked for, if they have."""
    return next(iter(read(Wish, _wish(), person=user_id)), None)


def waiting() -> list[Wishing]:
    """Return who waits to be erased, whoever has waited longest first."""
    return read(Wishing, _waiting())


def person(user_id: int) -> Wishing:
    """Return anybody, with what they have asked for; raises UserNotFound."""
    found = read(Wishing, _person(), person=user_id)
    if not found:
        raise UserNotFound
    return found[0]


def number_waiting() -> Select[int]:
    """Return the SELECT of how many wait."""
    return select(func.count()).select_from(ErasureRequest).where(_IS_WAITING)


_PERSON: Any = bindparam("person")
_IS_WAITING = ErasureRequest.refused_at.is_(None)
_ABOUT: dict[str, Any] = {
    "reason": ErasureRequest.reason,
    "created_at": ErasureRequest.created_at,
    "refused_at": ErasureRequest.refused_at,
}


@cache
def _wish() -> Select[Any]:
    return select(*columns(Wish, ErasureRequest)).where(ErasureRequest.user_id == _PERSON)


@cache
def _waiting() -> Select[Any]:
    asking = select(*columns(Wishing, User, **_ABOUT)).join(
        ErasureRequest, ErasureRequest.user_id == User.id
    )
    return asking.where(_IS_WAITING).order_by(ErasureRequest.created_at, User.id)


@cache
def _person() -> Select[Any]:
    anybody = select(*columns(Wishing, User, **_ABOUT)).outerjoin(
        ErasureRequest, ErasureRequest.user_id == User.id
    )
    return anybody.where(User.id == _PERSON)
