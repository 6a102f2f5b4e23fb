"""settings of the school that admins change in the browser"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_table(
        "school_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("contact", sa.String(length=254), nullable=True),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("tax_id", sa.String(length=100), nullable=True),
        sa.Column("registration", sa.String(length=2000), nullable=True),
        sa.Column("offer_days", sa.Integer(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("privacy", sa.Text(), nullable=True),
        sa.Column("imprint", sa.Text(), nullable=True),
        sa.Column("accessibility", sa.Text(), nullable=True),
        sa.Column(
            "changed_at",
            UtcDateTime(),
            server_default=sa.func.current_timestamp(),
            nullable=False,
        ),
        sa.CheckConstraint("id BETWEEN 1 AND 1", name=op.f("ck_school_settings_id")),
        sa.CheckConstraint(
            "offer_days BETWEEN 1 AND 365", name=op.f("ck_school_settings_offer_days")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_settings")),
        sqlite_autoincrement=True,
    )
    refuse_wrong_types("school_settings", "version", "offer_days")


def downgrade() -> None:
    op.drop_table("school_settings")
