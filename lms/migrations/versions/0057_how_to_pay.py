"""how students pay without Stripe"""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    op.add_column("school_settings", sa.Column("how_to_pay", sa.String(length=2000), nullable=True))


def downgrade() -> None:
    op.drop_column("school_settings", "how_to_pay")
