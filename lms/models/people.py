"""People and their sign-ins."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    true,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import (
    AUTOINCREMENT,
    CreatedAt,
    Email,
    Id,
    PersonName,
    Time,
    UserId,
    an_address,
    constants,
    one_of,
    partial_index,
)

Role = Literal["student", "admin"]


class User(Base):
    """A student or an admin."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[Email] = mapped_column(unique=True)
    name: Mapped[PersonName]
    password_hash: Mapped[str] = mapped_column(String(255), server_default="")
    role: Mapped[str] = mapped_column(String(16), server_default="student")
    is_active: Mapped[bool] = mapped_column(server_default=true())
    email_verified_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, server_default=func.current_timestamp()
    )
    """When the person, or an admin, showed that the address is theirs; until then NULL.

    Only who registers begins without: nobody else writes NULL.
    """
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the latest invitation was queued; NULL where no link was ever mailed."""
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person last signed in; NULL where that is not known."""
    created_at: Mapped[CreatedAt]
    version: Mapped[int] = mapped_column(server_default="0")
    """Raised by every change that a page of this person shows: the ETag of their polls."""
    emails_decisions: Mapped[bool] = mapped_column(server_default=true())
    """Whether to write to them when an admin decides on their access."""
    emails_purchases: Mapped[bool] = mapped_column(server_default=true())
    emails_messages: Mapped[bool] = mapped_column(server_default=true())
    """Whether to e-mail them what the school writes to the students of a course."""
    emails_requests: Mapped[bool] = mapped_column(server_default=false())
    """Whether to e-mail them, as admins, about new access requests."""

    time_zone: Mapped[str | None] = mapped_column(String(64))
    """In which they are told the time; NULL: the school's."""
    words: Mapped[str | None] = mapped_column(Text)
    """What searches compare; NULL until `enrollment.write_search_words` has written it."""

    __table_args__ = (
        *an_address(),
        one_of("role", *get_args(Role)),
        Index("ix_users_role_name", "role", "name", "id", "words"),
        partial_index("ix_users_not_accepted", "role", "name", "id", where=password_hash == ""),
        partial_index("ix_users_unwritten", "id", where=words.is_(None)),
        partial_index("ix_users_locked_out", "id", where=is_active == false()),
        AUTOINCREMENT,
    )

    @hybrid_property
    def is_proven(self) -> bool:
        """Whether the address is known to be this person's: nothing is given before."""
        return self.email_verified_at is not None

    @is_proven.inplace.expression
    @classmethod
    def _is_proven(cls) -> ColumnElement[bool]:
        return cls.email_verified_at.is_not(None)


def may_learn(user: type[User] = User) -> ColumnElement[bool]:
    """Return whether courses can be given to a person: a student whose address is proven."""
    return and_(user.role == "student", user.is_proven)


def has_not_accepted(user: type[User] = User) -> ColumnElement[bool]:
    """Return whether an open account of a student, invited or not, has no password yet."""
    [blank] = constants("")
    return and_(may_learn(user), user.is_active, user.password_hash == blank)


class SignIn(Base):
    """One signed-in browser: deleting the row ends its session, wherever its cookie was copied."""

    __tablename__ = "sign_ins"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token in the cookie: whoever reads this table cannot sign in with it."""
    user_id: Mapped[UserId] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Time]
    """Moved on while it is in use, up to its absolute end: whatever asks needs no other rule."""
    is_remembered: Mapped[bool] = mapped_column(server_default=false())
    """Whether its cookie outlives the browser."""
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """To the minute; NULL until it has been used for that long."""
    device: Mapped[str] = mapped_column(String(60), server_default="")
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the person last showed that it is still them, by signing in or in between."""
    viewed_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """The student as whom an admin sees the portal from here."""
    viewed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        partial_index("ix_sign_ins_viewed_id", "viewed_id", where=viewed_id.is_not(None)),
        AUTOINCREMENT,
    )


class InterruptedForm(Base):
    """What a person sent after their sign-in had ended, until they send it again."""

    __tablename__ = "interrupted_forms"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the key, which is in the link alone."""
    user_id: Mapped[UserId] = mapped_column(index=True)
    sealed: Mapped[str] = mapped_column(Text)
    """Encrypted: whoever reads this table learns nothing of what was typed."""
    expires_at: Mapped[Time] = mapped_column(index=True)


class SavedFilter(Base):
    """What an admin looks for again and again on one of the list pages, by name."""

    __tablename__ = "saved_filters"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    page: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(500))
    """The filter as a query string."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (UniqueConstraint("user_id", "page", "name"), AUTOINCREMENT)
