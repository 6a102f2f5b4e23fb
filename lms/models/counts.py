"""Sums of rows, kept by triggers in the transaction of each change: pages add up a few of them.

Whatever changes a row is counted, be it a verb, a cascading key, an undo or a statement by hand.
What only a restore can do, past the triggers, sync finds and repairs.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, String
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base, UtcDateTime
from lms.models.columns import partial_index

SCHOOL = 0
"""The course under which the sums of all courses together are kept."""


DERIVED: dict[str, Any] = {"sqlite_with_rowid": False, "info": {"is_derived": True}}


class DailyCount(Base):
    """How much of something happened on a day, in a course or in the whole school."""

    __tablename__ = "daily_counts"

    course_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    detail: Mapped[str] = mapped_column(String(24), primary_key=True)
    """The currency of money, the length of a wait; blank for all else."""
    shard: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """On PostgreSQL the transaction that wrote it: none waits for another's row.

    Those of ended transactions are folded into one, 0, which is the only one on SQLite.
    """
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        partial_index("ix_daily_counts_shard", "shard", where=shard != 0),
        DERIVED,
    )


class CurrentCount(Base):
    """How much of something there is now, in a course or in the whole school."""

    __tablename__ = "current_counts"

    course_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    detail: Mapped[str] = mapped_column(String(24), primary_key=True)
    """The role of people, the status of payments; blank for all else."""
    shard: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """As in daily counts."""
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        partial_index("ix_current_counts_shard", "shard", where=shard != 0),
        DERIVED,
    )


class ClockChange(Base):
    """From when on the clocks of the school's zone show how much more than UTC: whose days count.

    Without any, days are those of UTC.
    """

    __tablename__ = "clock_changes"

    begins_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    ahead_seconds: Mapped[int]
    zone: Mapped[str] = mapped_column(String(64))
    """The same in all rows: that by which sums are kept, until those of another are counted."""

    __table_args__ = (DERIVED,)
