"""the clocks by which months of the books begin and end: UTC's so far, then the school's"""

import re
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime, now
from lms.migrations.typed import refuse_wrong_types

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    # Without rows months are those of UTC, as all that is booked so far.
    table = op.create_table(
        "book_clocks",
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ahead_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("begins_at", name=op.f("pk_book_clocks")),
        sqlite_with_rowid=False,
    )
    refuse_wrong_types("book_clocks", "ahead_seconds")
    clocks = sa.table(
        "clock_changes",
        sa.column("begins_at", UtcDateTime()),
        sa.column("ahead_seconds", sa.Integer()),
        sa.column("zone", sa.String()),
    )
    connection = op.get_bind()
    kept = [tuple(row) for row in connection.execute(sa.select(clocks).order_by("begins_at"))]
    has_books = connection.scalar(sa.text(_HAS_BOOKS))
    closed = [row.month for row in connection.execute(sa.text(_CLOSED))]
    if rows := _after(_last_begun(closed), kept) if has_books else kept:
        names = ("begins_at", "ahead_seconds", "zone")
        op.bulk_insert(table, [dict(zip(names, row, strict=True)) for row in rows])


def downgrade() -> None:
    op.drop_table("book_clocks")


_Change = tuple[datetime, int, str]
_HAS_BOOKS = "SELECT EXISTS (SELECT 1 FROM money_movements) OR EXISTS (SELECT 1 FROM closed_months)"


_CLOSED = "SELECT month FROM closed_months"


def _last_begun(closed: list[str]) -> tuple[int, int]:
    """Return the month that has begun in UTC, or a later one that is closed.

    It may be: closed by this release, before a downgrade, in a zone ahead of UTC.
    """
    valid = filter(re.compile("[0-9]{4}-(0[1-9]|1[0-2])").fullmatch, closed)
    named = [(int(month[:4]), int(month[5:])) for month in valid if month < "9998"]
    return max([*named, (now().year, now().month)])


def _after(last: tuple[int, int], kept: list[_Change]) -> list[_Change]:
    """Return the clocks of the school's zone from the next month on.

    The next month begins in UTC, and the clocks change once it has begun in the zone, too.
    """
    year, month = divmod(last[0] * 12 + last[1], 12)
    begin = datetime(year, month + 1, 1, tzinfo=UTC)
    before = [row for row in kept if row[0] <= begin]
    if not before:
        return []
    _, ahead, zone = before[-1]
    changes_at = max(begin, begin - timedelta(seconds=ahead))
    return [(changes_at, ahead, zone), *(row for row in kept if row[0] > changes_at)]
