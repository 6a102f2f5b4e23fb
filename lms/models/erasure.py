"""Who wants to be forgotten, and who has been."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import CreatedAt, UserId, partial_index

_ERASED = "Erased person"


class ErasureRequest(Base):
    """A person's wish that the school forget them: waiting, or refused with an answer.

    A granted one goes with the account.
    """

    __tablename__ = "erasure_requests"

    user_id: Mapped[UserId] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[CreatedAt]
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(Text, server_default="")
    """Why it was refused, as the person is told."""

    __table_args__ = (
        partial_index(
            *("ix_erasure_requests_waiting", "created_at", "user_id"), where=refused_at.is_(None)
        ),
    )


class Erasure(Base):
    """A person who has been erased: the one id by which records that are kept still name them.

    A trigger lets records that never change lose the name and address of whoever is listed here,
    and nothing else.
    """

    __tablename__ = "erasures"

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    erased_at: Mapped[CreatedAt]
    erased_by: Mapped[int | None]


def wish_mark(asked_at: datetime | None, refused_at: datetime | None) -> str:
    """Return what tells one wish to be erased from another; blank where none waits."""
    return asked_at.isoformat() if asked_at is not None and refused_at is None else ""


def pseudonym(person_id: int) -> str:
    """Return what records call a person who has been erased."""
    return f"{_ERASED} {person_id}"
