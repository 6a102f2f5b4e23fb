"""why Stripe refused a checkout, what its page says, and sales that end before the money comes"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0028"
down_revision = "0025"

_ADDED = ("refusal", "checkout_note", "email_refused_at", "sale_ended_at")


def upgrade() -> None:
    for column in (
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column("checkout_note", sa.Text(), server_default="", nullable=False),
        sa.Column("email_refused_at", UtcDateTime(), nullable=True),
        sa.Column("sale_ended_at", UtcDateTime(), nullable=True),
    ):
        op.add_column("payments", column)


def downgrade() -> None:
    for name in reversed(_ADDED):
        op.drop_column("payments", name)
