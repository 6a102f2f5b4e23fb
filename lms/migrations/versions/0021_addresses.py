"""addresses to be confirmed, and those that can be restored"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    _create(
        "address_changes",
        "created_at",
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("user_id", name=op.f("uq_address_changes_user_id")),
    )
    _create(
        "former_addresses",
        "changed_at",
        sa.Column("undo_hash", sa.String(length=64), nullable=False),
        sa.Column("undo_until", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("undo_hash", name=op.f("uq_former_addresses_undo_hash")),
    )
    for column in ("user_id", "undo_until"):
        op.create_index(op.f(f"ix_former_addresses_{column}"), "former_addresses", [column])


def downgrade() -> None:
    op.drop_table("former_addresses")
    op.drop_table("address_changes")


def _create(table: str, since: str, *further: SchemaItem) -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(since, UtcDateTime(), server_default=now, nullable=False),
        *further,
        sa.CheckConstraint("email = lower(email)", name=op.f(f"ck_{table}_email_lower")),
        sa.CheckConstraint("email <> ''", name=op.f(f"ck_{table}_email_given")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )
    refuse_wrong_types(table, "user_id")
