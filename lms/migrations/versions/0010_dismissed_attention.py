"""what an admin has looked at leaves the list of payments that need a look"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("payments", sa.Column("dismissed_attention", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("payments", "dismissed_attention")
