"""imports of old schools from the browser"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "import_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("step", sa.String(length=16), server_default="reading", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=120), nullable=False),
        sa.Column("is_file", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("answers", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("mark", sa.String(length=64), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=120), server_default="", nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("started_by", sa.Integer(), nullable=True),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("started_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'applied', 'failed', 'canceled', 'expired')",
            name=op.f("ck_import_runs_status"),
        ),
        sa.CheckConstraint(
            "step IN ('reading', 'preview', 'applying')", name=op.f("ck_import_runs_step")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_import_runs_open",
        "import_runs",
        ["status"],
        unique=True,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    refuse_wrong_types(
        "import_runs",
        *("turn", "percent", "attempts", "started_by", "confirmed_by"),
        truths=("is_file",),
    )


def downgrade() -> None:
    op.drop_table("import_runs")
