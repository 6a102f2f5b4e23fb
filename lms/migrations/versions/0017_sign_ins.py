"""a sign-in knows its device and when it was last used"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("last_seen_at", UtcDateTime(), nullable=True))
    op.add_column("sign_ins", sa.Column("device", sa.String(60), server_default="", nullable=False))
    # Until now they lasted 14 days: an admin's that nobody uses must not wait for that.
    at_most = {
        "sqlite": "min(expires_at, strftime('%Y-%m-%d %H:%M:%f000', 'now', '+30 minutes'))",
        "postgresql": "least(expires_at, CURRENT_TIMESTAMP + interval '30 minutes')",
    }[op.get_bind().dialect.name]
    admins = "SELECT id FROM users WHERE role = 'admin'"
    op.execute(f"UPDATE sign_ins SET expires_at = {at_most} WHERE user_id IN ({admins})")


def downgrade() -> None:
    op.drop_column("sign_ins", "device")
    op.drop_column("sign_ins", "last_seen_at")
