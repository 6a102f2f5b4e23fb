"""What the portal keeps about its own work: audit trail, e-mails to send, sync runs, versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import (
    AUTOINCREMENT,
    CreatedAt,
    Email,
    Id,
    PersonName,
    Title,
    one_of,
    partial_index,
)

MOST_ATTEMPTS = 12
"""Tries to send an e-mail, within 15 hours; after them an admin has to look."""


class AuditEntry(Base):
    """One change of access, learning, money or people; never changed, so it refers to names."""

    __tablename__ = "audit_entries"

    id: Mapped[Id]
    at: Mapped[CreatedAt]
    action: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[int | None]
    """Who did it; None is the portal itself."""
    actor_name: Mapped[PersonName] = mapped_column(server_default="")
    student_id: Mapped[int | None]
    student_name: Mapped[PersonName] = mapped_column(server_default="")
    course_id: Mapped[int | None]
    course_title: Mapped[Title] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")

    __table_args__ = (
        Index("ix_audit_entries_at", "at", "id"),
        Index("ix_audit_entries_student_id", "student_id", "id"),
        Index("ix_audit_entries_course_id", "course_id", "id"),
        Index("ix_audit_entries_action", "action", "id"),
        Index("ix_audit_entries_actor_id", "actor_id", "id"),
        # Whose access began and ended, to find who has lost it, and who had it on a day.
        partial_index(
            *("ix_audit_entries_access", "student_id", "course_id", "id"),
            where=or_(  # not IN: SQLite would not recognize one of them
                action == "access.granted",
                action == "access.source_withdrawn",
                action == "access.ended",
            ),
        ),
        # How a course was changed, among all that happened in it.
        partial_index(
            *("ix_audit_entries_edited", "course_id", "id"), where=action == "course.edited"
        ),
        AUTOINCREMENT,
    )


class OutboxEmail(Base):
    """An e-mail queued by a committed change; the worker sends it."""

    __tablename__ = "outbox_emails"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the event, so that each is announced once."""
    recipient: Mapped[Email]
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(200), server_default="")
    """The page that it is about. E-mails with one can be switched off, and say how."""
    link: Mapped[str] = mapped_column(Text, server_default="")
    """A whole address that it leads to instead; may be secret, so it goes with the body."""
    link_text: Mapped[str] = mapped_column(Text, server_default="")
    """What the link is called; blank in e-mails that a release before 0012 wrote."""
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (Index("ix_outbox_emails_sent_at", "sent_at", "id"), AUTOINCREMENT)


class PastEmail(Base):
    """What an e-mail was about that has been purged: a trigger lets nothing announce it again."""

    __tablename__ = "past_emails"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)


class SyncRun(Base):
    """One run of auto-fix."""

    __tablename__ = "sync_runs"

    id: Mapped[Id]
    trigger: Mapped[str] = mapped_column(String(16))
    slot: Mapped[int | None] = mapped_column(unique=True)
    """The interval that a scheduled run belongs to: one run each, whatever the workers."""
    started_by: Mapped[int | None]
    scope: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    is_dry_run: Mapped[bool] = mapped_column(server_default=false())
    status: Mapped[str] = mapped_column(String(16), server_default="running")
    owner: Mapped[str] = mapped_column(String(120), server_default="")
    """Machine and process that work on it, so that a dead one's run can be taken over at once."""
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    found: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    fixed: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    remaining: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        one_of("trigger", "manual", "scheduled", "startup", "import"),
        one_of("status", "running", "finished", "failed", "undone"),
        # Two repairs at once would undo each other's evidence: the database lets one run.
        partial_index("uq_sync_runs_running", "status", where=status == "running", unique=True),
        AUTOINCREMENT,
    )


class Validation(Base):
    """One validation of the whole school: in progress, or ended with its report."""

    __tablename__ = "validations"

    id: Mapped[Id]
    """Rises as they begin: whoever knows the latest id knows what begins after it."""
    status: Mapped[str] = mapped_column(String(16), server_default="running")
    owner: Mapped[str] = mapped_column(String(120), server_default="")
    """Machine and process that work on it, as for runs of auto-fix."""
    checked: Mapped[int] = mapped_column(server_default="0")
    """How many checks are done."""
    seen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """The version of all that is checked, read at the same moment."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    error: Mapped[str] = mapped_column(Text, server_default="")
    started_at: Mapped[CreatedAt]
    heartbeat_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        one_of("status", "running", "finished", "failed"),
        # However many ask for one: the database lets one run.
        partial_index("uq_validations_running", "status", where=status == "running", unique=True),
        AUTOINCREMENT,
    )


class SyncChange(Base):
    """One row that a sync run changed, as it was and as it became."""

    __tablename__ = "sync_changes"

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("sync_runs.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))
    table_name: Mapped[str] = mapped_column(String(32))
    row_id: Mapped[int]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    not_undone: Mapped[str] = mapped_column(Text, server_default="")
    """Why undo left this row unchanged."""

    __table_args__ = (Index("ix_sync_changes_run_id", "run_id", "id"), AUTOINCREMENT)


class SyncAttention(Base):
    """A violation that auto-fix leaves for an admin, and why."""

    __tablename__ = "sync_attention"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(32))
    table_name: Mapped[str] = mapped_column(String(32))
    row_id: Mapped[int]
    student_id: Mapped[int | None]
    course_id: Mapped[int] = mapped_column(server_default="0")
    """0 where it concerns no course."""
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("kind", "table_name", "row_id", "course_id"),
        AUTOINCREMENT,
    )


class Version(Base):
    """A counter per topic, raised by every change that pages about it show; see lms/live.py."""

    __tablename__ = "versions"

    topic: Mapped[str] = mapped_column(String(16), primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True)
    """Writers are spread over several rows; the version is their sum."""
    value: Mapped[int] = mapped_column(BigInteger, server_default="0")
