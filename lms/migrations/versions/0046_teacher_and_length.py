"""who teaches a course, and how long it takes"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
_COLUMNS = ("teacher", "duration")


def upgrade() -> None:
    for name in _COLUMNS:
        column = sa.Column(name, sa.String(length=120), server_default="", nullable=False)
        op.add_column("courses", column)


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("courses", name)
