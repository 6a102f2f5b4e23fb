"""Where imported rows came from, for good; and imports from the browser: old schools, rosters."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import AUTOINCREMENT, CreatedAt, Id, one_of, partial_index


class ImportSchool(Base):
    """An old school, recognized by the people in it: files move, and servers get new names."""

    __tablename__ = "import_schools"

    id: Mapped[Id]
    address: Mapped[str] = mapped_column(String(500))
    """Where it was when it was imported first, without its password."""
    created_at: Mapped[CreatedAt]

    __table_args__ = (AUTOINCREMENT,)


class ImportOrigin(Base):
    """An old row and what it became here; it outlives that, so that nothing deleted comes back."""

    __tablename__ = "import_origins"

    id: Mapped[Id]
    school_id: Mapped[int] = mapped_column(ForeignKey("import_schools.id", ondelete="CASCADE"))
    table_name: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(255))
    """The old id; an account's e-mail address; of a pair, the ids here."""
    label: Mapped[str] = mapped_column(String(255), server_default="")
    """What tells one old school from another: an account's old id, a course's old title."""
    row_id: Mapped[int | None]
    """What it became here; no foreign key, since it may be deleted."""

    __table_args__ = (
        UniqueConstraint("school_id", "table_name", "key"),
        Index("ix_import_origins_table_name_key", "table_name", "key"),
        AUTOINCREMENT,
    )


class ImportRun(Base):
    """One import of an old school from the browser: what was given, and how far it has come.

    The old database, or its address, lies in a private file of one machine: see `importing/runs`.
    """

    __tablename__ = "import_runs"

    id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(16), server_default="open")
    step: Mapped[str] = mapped_column(String(16), server_default="reading")
    turn: Mapped[int] = mapped_column(server_default="0")
    """Rises whenever somebody takes it up or changes it: only the latest may write a result."""
    token: Mapped[str] = mapped_column(String(32))
    """What its files are called."""
    host: Mapped[str] = mapped_column(String(120))
    """The machine that has the files."""
    is_file: Mapped[bool]
    source: Mapped[str] = mapped_column(String(500))
    """The name of the file, or the address without its password."""
    digest: Mapped[str] = mapped_column(String(64), server_default="")
    """Of the file."""
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    report: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    """The preview; once imported, the counts and no examples."""
    mark: Mapped[str] = mapped_column(String(64), server_default="")
    """Of the preview: what was read, and decided about each row."""
    problem: Mapped[str] = mapped_column(Text, server_default="")
    percent: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    owner: Mapped[str] = mapped_column(String(120), server_default="")
    """Machine and process that work on it; blank while it waits for one."""
    heartbeat_at: Mapped[CreatedAt]
    started_by: Mapped[int | None]
    confirmed_by: Mapped[int | None]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        one_of("status", "open", "applied", "failed", "canceled", "expired"),
        one_of("step", "reading", "preview", "applying"),
        # Two admins would decide about two schools at once: the database lets one be open.
        partial_index("uq_import_runs_open", "status", where=status == "open", unique=True),
        AUTOINCREMENT,
    )


class RosterUpload(Base):
    """One roster from the browser, for a day: what was given, its preview, what became of it.

    What was given is in the database, where all machines find it: see `importing/uploads`.
    """

    __tablename__ = "roster_uploads"

    id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(16), server_default="reading")
    turn: Mapped[int] = mapped_column(server_default="0")
    """Rises whenever somebody takes it up or changes it: only the latest may write a result."""
    source: Mapped[str] = mapped_column(String(200))
    """The name of the file; blank for a pasted list."""
    course_id: Mapped[int | None]
    """Of a pasted list; no foreign key, since the course may be deleted."""
    is_short: Mapped[bool]
    """Whether it is applied in so little time that nobody has to wait for the worker."""
    digest: Mapped[str] = mapped_column(String(64))
    mark: Mapped[str] = mapped_column(String(64), server_default="")
    """Of the preview: its counts, and exactly what would take effect."""
    ending: Mapped[int | None]
    """How many enrollments would end, where that number has to be typed."""
    problem: Mapped[str] = mapped_column(Text, server_default="")
    percent: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    owner: Mapped[str] = mapped_column(String(120), server_default="")
    """Machine and process that work on it; blank while it waits for one."""
    heartbeat_at: Mapped[CreatedAt]
    started_by: Mapped[int | None]
    confirmed_by: Mapped[int | None]
    run_id: Mapped[int | None]
    """The run that undo reverses; no foreign key, since runs are kept as long as they are."""
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Last, and loaded only where they are needed: each may be megabytes.
    report: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}", deferred=True)
    content: Mapped[str] = mapped_column(Text, deferred=True)
    """What was given, packed as text; blank once it is applied."""

    __table_args__ = (
        one_of("status", "reading", "preview", "applying", "applied"),
        AUTOINCREMENT,
    )
