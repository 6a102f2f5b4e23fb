"""the clocks of the school's zone, by whose days sums are kept from now on"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.counts import sums
from lms.migrations.counts.declared import price_parts
from lms.migrations.functions import keep_to_schema

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    # Empty, by which days are those of UTC, as all that is counted: the worker goes on from here.
    op.create_table(
        "clock_changes",
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ahead_seconds", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("begins_at", name=op.f("pk_clock_changes")),
        sqlite_with_rowid=False,
    )
    _count_by(sums.SCHOOL_DAY)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    _count_by(sums.UTC_DAY)
    op.drop_table("clock_changes")
    op.execute("DELETE FROM daily_counts")
    for tables in (None, price_parts()):
        for statement in sums.fill(dialect, tables):
            if "INTO daily_counts" in statement:
                op.execute(statement)


def _count_by(days: sums.Days) -> None:
    dialect = op.get_bind().dialect.name
    for tables, called in ((None, "count"), (price_parts(), "parts")):
        for name, statement in sums.triggers(dialect, tables, called=called, days=days):
            if dialect == "postgresql":
                op.execute(f"DROP FUNCTION IF EXISTS {name}() CASCADE")
                op.execute(statement)
                keep_to_schema(name)
            else:
                op.execute(f"DROP TRIGGER IF EXISTS {name}")
                op.execute(statement)
