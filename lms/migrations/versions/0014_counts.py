"""sums of enrollments, requests, decisions and payments, kept by triggers with every change"""

import sqlalchemy as sa
from alembic import op

from lms.migrations.counts import sums

revision = "0014"
down_revision = "0013"

_TABLES = ("daily_counts", "current_counts")


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in _TABLES:
        _create(table)
    _index()
    for statement in sums.fill(dialect):
        op.execute(statement)
    for _, statement in sums.triggers(dialect):
        op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name, _ in sums.triggers(dialect):
        if dialect == "postgresql":
            op.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
    for table in _TABLES:
        op.drop_table(table)
    for name, (table, *_) in _INDEXES.items():
        op.drop_index(name, table)
    op.create_index("ix_enrollments_enrolled_at", "enrollments", ["enrolled_at"])
    op.create_index(
        "ix_student_progress_last_activity_at", "student_progress", ["last_activity_at"]
    )


def _create(table: str) -> None:
    day = [sa.Column("day", sa.Date(), nullable=False)] if table == "daily_counts" else []
    keys = ["course_id", "name", *(column.name for column in day), "detail", "shard"]
    op.create_table(
        table,
        sa.Column("course_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        *day,
        sa.Column("detail", sa.String(length=24), nullable=False),
        sa.Column("shard", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )
    others = sa.text("shard != 0")
    op.create_index(
        f"ix_{table}_shard", table, ["shard"], sqlite_where=others, postgresql_where=others
    )


_INDEXES = {
    "ix_enrollments_not_begun": ("enrollments", ["enrolled_at", "id"], "progress = 0"),
    "ix_enrollments_not_begun_by_course": (
        *("enrollments", ["course_id", "enrolled_at", "id"], "progress = 0"),
    ),
    "ix_student_progress_unfinished": (
        *("student_progress", ["last_activity_at", "id"], "total_progress < 100"),
    ),
    "ix_student_progress_unfinished_by_course": (
        *("student_progress", ["course_id", "last_activity_at", "id"], "total_progress < 100"),
    ),
    "ix_student_progress_odd": (
        "student_progress",
        ["student_id", "course_id"],
        "CASE WHEN (total_progress < 100 AND (last_activity_at IS NOT NULL) = (total_progress = 0))"
        " THEN 1 END = 1",
    ),
    "ix_users_locked_out": ("users", ["id"], "is_active = false"),
}
"""Of those who are at risk, the longest first; and of those who are not, the few to subtract."""


def _index() -> None:
    op.drop_index("ix_enrollments_enrolled_at", "enrollments")
    op.drop_index("ix_student_progress_last_activity_at", "student_progress")
    for name, (table, columns, condition) in _INDEXES.items():
        on_sqlite = sa.text(condition.replace("false", "0"))
        op.create_index(
            name, table, columns, sqlite_where=on_sqlite, postgresql_where=sa.text(condition)
        )
