"""an e-mail knows its link and what it is called, so that it can be sent as HTML, too"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    for name in ("link", "link_text"):
        op.add_column(
            "outbox_emails", sa.Column(name, sa.Text(), server_default="", nullable=False)
        )


def downgrade() -> None:
    for name in ("link", "link_text"):
        op.drop_column("outbox_emails", name)
