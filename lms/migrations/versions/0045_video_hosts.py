"""whose players lessons may show"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.add_column(
        "school_settings", sa.Column("video_hosts", sa.String(length=2000), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("school_settings", "video_hosts")
