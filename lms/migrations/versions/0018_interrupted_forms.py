"""what was sent after a sign-in had ended is kept for its person"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "interrupted_forms",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_interrupted_forms_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_interrupted_forms")),
    )
    for column in ("expires_at", "user_id"):
        op.create_index(op.f(f"ix_interrupted_forms_{column}"), "interrupted_forms", [column])
    refuse_wrong_types("interrupted_forms", "user_id")


def downgrade() -> None:
    op.drop_table("interrupted_forms")
