"""an index for the payments that somebody has to look at"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("ix_payments_attention", "payments", ["attention"])


def downgrade() -> None:
    op.drop_index("ix_payments_attention", "payments")
