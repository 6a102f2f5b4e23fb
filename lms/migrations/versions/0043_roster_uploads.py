"""rosters from the browser"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "roster_uploads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="reading", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("is_short", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.String(length=64), server_default="", nullable=False),
        sa.Column("ending", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=120), server_default="", nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("started_by", sa.Integer(), nullable=True),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("started_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('reading', 'preview', 'applying', 'applied')",
            name=op.f("ck_roster_uploads_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_uploads")),
        sqlite_autoincrement=True,
    )
    refuse_wrong_types(
        "roster_uploads",
        *("turn", "course_id", "ending", "percent", "attempts"),
        *("started_by", "confirmed_by", "run_id"),
        truths=("is_short",),
    )


def downgrade() -> None:
    op.drop_table("roster_uploads")
