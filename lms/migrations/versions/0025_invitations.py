"""when people were invited, and who has no password yet"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("users", sa.Column("invited_at", UtcDateTime(), nullable=True))
    not_accepted = sa.text("password_hash = ''")
    op.create_index(
        "ix_users_not_accepted",
        "users",
        ["role", "name", "id"],
        sqlite_where=not_accepted,
        postgresql_where=not_accepted,
    )


def downgrade() -> None:
    op.drop_index("ix_users_not_accepted", "users")
    op.drop_column("users", "invited_at")
