"""Students who have not accepted their invitation yet."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Literal

from sqlalchemy import Select, String, bindparam, select

from lms.db import now
from lms.messages.catalogue import INVITED_DAYS
from lms.models import User, has_not_accepted
from lms.queries.paging import SHAPES, counted, paged, skipped
from lms.queries.read_model import columns, execute, read, read_model, stream
from lms.queries.search import matches

Invitation = Literal["none", "open", "expired"]


@read_model
class InvitedStudent:
    """A student without a password."""

    id: int
    name: str
    email: str
    invited_at: datetime | None

    @property
    def invitation(self) -> Invitation:
        """Where the invitation stands."""
        return invitation(self.invited_at)


@read_model
class InvitationList:
    """One page of those who have not accepted."""

    students: list[InvitedStudent]
    total: int
    page: int
    pages: int


def not_accepted(*, page: int = 1, q: str = "") -> InvitationList:
    """Return the students by name who could sign in if they had a password."""
    found = _found(q)
    rows = read(InvitedStudent, paged(found), skipped=skipped(page))
    return InvitationList(students=rows, **counted(found, page, shown=len(rows) if q else None))


def every_invited(*, q: str = "") -> Iterator[InvitedStudent]:
    """Yield all of them that are looked for, by name."""
    return stream(InvitedStudent, _found(q))


def student_with(email: str) -> int | None:
    """Return the id of the student who has this address as it is stored."""
    number: int | None = execute(_student_with(), email=email).scalar()
    return number


def invitation(invited_at: datetime | None) -> Invitation:
    """Return where an invitation stands that was mailed then and not accepted."""
    if invited_at is None:
        return "none"
    return "expired" if invited_at <= now() - timedelta(days=INVITED_DAYS) else "open"


@lru_cache(SHAPES)
def _found(q: str) -> Select[Any]:
    found = select(*columns(InvitedStudent, User)).where(has_not_accepted())
    found = found.order_by(User.name, User.id)
    return found.where(matches(q, User)) if q else found


@cache
def _student_with() -> Select[int]:
    is_theirs = User.email == bindparam("email", type_=String)
    return select(User.id).where(is_theirs, User.role == "student")
