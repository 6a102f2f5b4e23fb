"""What a person shows beside the password."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    String,
    Text,
    and_,
    exists,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id, Time, UserId, one_of
from lms.models.people import User

FactorKind = Literal["totp", "passkey"]
LONGEST_FACTOR_NAME = 60


class SecondFactor(Base):
    """An app that makes codes (TOTP, RFC 6238), or a passkey (WebAuthn)."""

    __tablename__ = "second_factors"

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(LONGEST_FACTOR_NAME))
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    """A passkey's own id; of an app, a digest of its secret: what is added twice is one."""
    secret: Mapped[str | None] = mapped_column(Text)
    """An app's, encrypted by a key made of SECRET_KEY."""
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The time step of the last code that was accepted: no code is, twice."""
    public_key: Mapped[str | None] = mapped_column(Text)
    sign_count: Mapped[int | None] = mapped_column(BigInteger)
    """How often the passkey says that it was used; it stays 0 in those that don't count."""
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        one_of("kind", *get_args(FactorKind)),
        CheckConstraint(
            "(kind = 'totp') = (secret IS NOT NULL AND last_step IS NOT NULL)", name="totp_whole"
        ),
        CheckConstraint(
            "(kind = 'passkey') = (public_key IS NOT NULL AND sign_count IS NOT NULL)",
            name="passkey_whole",
        ),
        AUTOINCREMENT,
    )


class RecoveryCode(Base):
    """A code that stands in for a lost factor, once: using it deletes the row."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    user_id: Mapped[UserId] = mapped_column(index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]

    __table_args__ = (AUTOINCREMENT,)


class SpentChallenge(Base):
    """A challenge that a passkey has answered; kept until it would have expired anyway."""

    __tablename__ = "spent_challenges"

    challenge_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[Time] = mapped_column(index=True)


def has_factor() -> ColumnElement[bool]:
    """Return whether a person has a second factor."""
    return exists().where(SecondFactor.user_id == User.id)


def lacks_factor(required_of: str) -> ColumnElement[bool]:
    """Return whether a person has to set up a second factor before anything else.

    `required_of` is LMS_SECOND_FACTOR.
    """
    if required_of == "optional":
        return false()
    return ~has_factor() if required_of == "all" else and_(User.role == "admin", ~has_factor())
