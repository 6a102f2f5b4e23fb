"""Notices, e-mail preferences and certificates."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import (
    AUTOINCREMENT,
    CreatedAt,
    Id,
    PersonName,
    Time,
    Title,
    UserId,
    one_of,
    partial_index,
)

NoticeKind = Literal[
    "approved",
    "rejected",
    "reconsidered",
    "enrolled",
    "unenrolled",
    "request_closed",
    "offer",
    "paid",
    "refunded",
    "payment_review",
    "payment_failed",
    "payment_disputed",
    "certificate_revoked",
    "certificate_reinstated",
    "progress_reset",
    "message",
]


class Notice(Base):
    """A notice to a student, with its text as it was when sent."""

    __tablename__ = "notices"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    kind: Mapped[str] = mapped_column(String(24))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the event, so that a retry announces it only once."""
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")
    """What the admin said about it; blank where nothing was said."""
    course_id: Mapped[int | None] = mapped_column(
        ForeignKey("courses.id", ondelete="SET NULL"), index=True
    )
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        one_of("kind", *get_args(NoticeKind)),
        CheckConstraint("title <> ''", name="title_given"),
        Index("ix_notices_user_id", "user_id", "id"),
        Index("ix_notices_payment_id", "payment_id"),
        partial_index("ix_notices_unread", "user_id", where=read_at.is_(None)),
        AUTOINCREMENT,
    )


class Certificate(Base):
    """That a student completed a course: issued once, with the names of that moment, and kept.

    It goes with its student alone; a course that is changed or deleted takes none away.
    """

    __tablename__ = "certificates"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    course_id: Mapped[int | None] = mapped_column(
        ForeignKey("courses.id", ondelete="SET NULL"), index=True
    )
    code: Mapped[str] = mapped_column(String(29), unique=True)
    """What the public page is found by: 120 random bits in six groups of four."""
    student_name: Mapped[PersonName]
    course_title: Mapped[Title]
    completed_at: Mapped[Time]
    issued_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        UniqueConstraint("user_id", "course_id"),
        CheckConstraint("length(code) = 29", name="code"),
        AUTOINCREMENT,
    )
