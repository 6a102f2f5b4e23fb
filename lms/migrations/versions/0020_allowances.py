"""one table for all limits; which requests the next digest to the admins will name"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0020"
down_revision = "0019"

_NEWS = "access_requests"


def upgrade() -> None:
    _add_counts("allowances", "key", 120, "used")
    op.drop_table("sign_in_failures")  # what it counted is over within minutes
    # Of those there are, the admins were told one by one.
    op.add_column(
        _NEWS, sa.Column("is_news", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index(
        *("ix_access_requests_news", _NEWS, ["id"]),
        sqlite_where=sa.text("is_news = 1"),
        postgresql_where=sa.text("is_news = true"),
    )
    refuse_wrong_types(_NEWS, "student_id", "course_id", truths=("is_news",))


def downgrade() -> None:
    refuse_wrong_types(_NEWS, "student_id", "course_id")
    op.drop_index("ix_access_requests_news", _NEWS)
    op.drop_column(_NEWS, "is_news")
    op.drop_table("allowances")
    _add_counts("sign_in_failures", "key_hash", 64, "failures")


def _add_counts(table: str, key: str, length: int, number: str) -> None:
    op.create_table(
        table,
        sa.Column(key, sa.String(length=length), nullable=False),
        sa.Column(number, sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])
    refuse_wrong_types(table, number)
