"""remember from when until when all of Stripe's balance transactions are kept"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0034"
down_revision = "0031"

_ENDS = ("fees_since", "fees_until")


def upgrade() -> None:
    for column in _ENDS:
        op.add_column("stripe_cursor", sa.Column(column, UtcDateTime(), nullable=True))


def downgrade() -> None:
    for column in _ENDS:
        op.drop_column("stripe_cursor", column)
