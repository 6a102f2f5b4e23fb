"""sync runs: lease, what was found, what undo left alone, what needs attention"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "sync_runs", sa.Column("owner", sa.String(120), server_default="", nullable=False)
    )
    op.add_column("sync_runs", sa.Column("heartbeat_at", UtcDateTime(), nullable=True))
    op.add_column("sync_runs", sa.Column("found", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("sync_runs", sa.Column("error", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE sync_runs SET status = 'failed' WHERE status = 'running'")
    op.create_index(
        "uq_sync_runs_running",
        "sync_runs",
        ["status"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.add_column(
        "sync_changes", sa.Column("not_undone", sa.Text(), server_default="", nullable=False)
    )
    op.create_table(
        "sync_attention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("course_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_attention")),
        sa.UniqueConstraint(
            "kind",
            "table_name",
            "row_id",
            "course_id",
            name=op.f("uq_sync_attention_kind_table_name_row_id_course_id"),
        ),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("sync_attention")
    op.drop_column("sync_changes", "not_undone")
    op.drop_index("uq_sync_runs_running", "sync_runs")
    for column in ("error", "found", "heartbeat_at", "owner"):
        op.drop_column("sync_runs", column)
