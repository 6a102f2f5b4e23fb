"""find whoever has paid and waits for a seat"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0033"


def upgrade() -> None:
    undelivered = sa.text("status = 'undeliverable'")
    op.create_index(
        "ix_payments_undelivered",
        "payments",
        ["course_id", "id"],
        sqlite_where=undelivered,
        postgresql_where=undelivered,
    )


def downgrade() -> None:
    op.drop_index("ix_payments_undelivered", table_name="payments")
