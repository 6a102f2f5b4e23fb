"""A scratch database on disk: the old rows as they were understood, and what becomes of each.

However large the old school is, memory holds one batch of it; rules are set-based statements here.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    ScalarSelect,
    String,
    Table,
    Text,
    create_engine,
    select,
)
from sqlalchemy.pool import NullPool

from lms.db import UtcDateTime

BATCH = 1_000
_file: ContextVar[Path] = ContextVar("file")
metadata = MetaData()


def _staged(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column("row", Integer, primary_key=True),
        Column("key", String),  # the old id
        Column("natural", String),  # a digest of the whole row, for those without an id
        Column("origin", String),  # what it is remembered by
        Column("raw", Text, server_default="{}"),  # as it was read, to show it
        Column("repairs", Text, server_default=""),  # a line each
        Column("verdict", String),  # merged or refused; none while nothing speaks against the row
        Column("reason", String, server_default=""),
        Column("target", Integer),  # the id here
        *columns,
    )


users = _staged(
    "users",
    Column("winner", Integer, index=True),  # the row that stands for all of this e-mail address
    Column("email", String, index=True),
    Column("name", String),
    Column("password_hash", String),
    Column("role", String),
    Column("is_active", Boolean),
    Column("created_at", UtcDateTime),
    Column("is_admin_here", Boolean, server_default="0"),
)
courses = _staged(
    "courses",
    Column("winner", Integer, index=True),
    Column("title", String),
    Column("description", Text),
    Column("status", String),
    Column("is_public", Boolean),
    Column("is_default_unlocked", Boolean),
    Column("price_cents", Integer),
    Column("currency", String),
    Column("capacity", Integer),
    Column("created_at", UtcDateTime),
    Column("chapters", Integer, server_default="0"),
    Column("has_completions", Boolean, server_default="0"),
)
chapters = _staged(
    "chapters",
    Column("winner", Integer, index=True),
    Column("course_key", String),
    Column("course_row", Integer, index=True),
    Column("title", String),
    Column("position", Integer),
    Column("body", Text),
    Column("ordinal", Integer),  # its place among the chapters of its course, from 1
)
chapter_completions = _staged(
    "chapter_completions",
    Column("user_key", String),
    Column("chapter_key", String),
    Column("user_row", Integer),
    Column("chapter_row", Integer),
    Column("completed_at", UtcDateTime),
)
enrollments = _staged(
    "enrollments",
    Column("user_key", String),
    Column("course_key", String),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("progress", Integer),
    Column("told", String),  # the figure as it was written
    Column("enrolled_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
)
student_progress = _staged(
    "student_progress",
    Column("user_key", String),
    Column("course_key", String),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("progress", Integer),
    Column("told", String),
    Column("last_activity_at", UtcDateTime),
)
access_requests = _staged(
    "access_requests",
    Column("user_key", String),
    Column("course_key", String),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("status", String),
    Column("message", Text),
    Column("created_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
)
payments = _staged(
    "payments",
    Column("user_key", String),
    Column("course_key", String),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("amount_cents", Integer),
    Column("currency", String),
    Column("status", String),
    Column("refunded_cents", Integer),
    Column("stripe_session_id", String),
    Column("stripe_payment_intent_id", String),
    Column("created_at", UtcDateTime),
    Column("paid_at", UtcDateTime),
    Column("attention", Text, server_default=""),
)
STAGED: tuple[Table, ...] = (
    users,
    courses,
    chapters,
    chapter_completions,
    enrollments,
    student_progress,
    access_requests,
    payments,
)

keys = Table(
    "keys",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("winner", Integer),  # none where what has this id was refused
    Column("is_ambiguous", Boolean),
)
pairs = Table(
    "pairs",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("user_row", Integer),
    Column("course_row", Integer),
    Column("user_id", Integer),
    Column("course_id", Integer),
    Column("verdict", String),
    Column("reason", String, server_default=""),
    Column("is_in_already", Boolean, server_default="0"),
    Column("enrollment_row", Integer),
    Column("progress_row", Integer),
    Column("request_row", Integer),
    Column("is_paid", Boolean, server_default="0"),
    Column("figure", Integer),  # the best usable figure
    Column("share", Integer, server_default="0"),  # what the chapters give
    Column("enrolled_at", UtcDateTime),
    Column("last_activity_at", UtcDateTime),
    Index("uq_pairs", "user_row", "course_row", unique=True),
)
derived = Table(
    "derived",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("user_row", Integer),
    Column("chapter_row", Integer),
    Column("completed_at", UtcDateTime),
    Index("uq_derived", "user_row", "chapter_row", unique=True),
)
for _table in (chapter_completions,):
    Index(f"ix_{_table.name}_refs", _table.c.user_row, _table.c.chapter_row)
for _table in (enrollments, student_progress, access_requests, payments):
    Index(f"ix_{_table.name}_refs", _table.c.user_row, _table.c.course_row)
for _table in (users, courses, chapters):
    Index(f"ix_{_table.name}_key", _table.c.key)
Index("ix_payments_session", payments.c.stripe_session_id)
Index("ix_payments_intent", payments.c.stripe_payment_intent_id)
Index("ix_payments_target", payments.c.target)


@contextmanager
def scratch() -> Iterator[Engine]:
    """Lend an empty scratch database; it goes with the block."""
    with tempfile.TemporaryDirectory(prefix="lms-import-") as folder:
        token = _file.set(Path(folder) / "scratch.db")
        try:
            metadata.create_all(_engine(), checkfirst=False)
            yield _engine()
        finally:
            _file.reset(token)


def batches(
    connection: Connection, table: Table, *where: Any, also: Sequence[Any] = ()
) -> Iterator[list[Any]]:
    """Read staged rows bit by bit; rows may change behind the reader, not before it."""
    after = 0
    while rows := connection.execute(
        select(table, *also).where(table.c.row > after, *where).order_by(table.c.row).limit(BATCH)
    ).all():
        yield list(rows)
        after = rows[-1].row


def target_of(table: Table, row: Any) -> ScalarSelect[int]:
    """Return the id here of what a staged row refers to."""
    meant = table.alias()
    return select(meant.c.target).where(meant.c.row == row).scalar_subquery()


@cache
def _engine() -> Engine:
    """Return the engine of all scratch databases: it compiles each rule once."""
    return create_engine("sqlite://", creator=_connect, poolclass=NullPool)


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(_file.get())
    # Nothing here outlives the process: what a crash leaves is thrown away anyhow.
    connection.execute("PRAGMA journal_mode=MEMORY")
    connection.execute("PRAGMA synchronous=OFF")
    return connection
