"""the school's currency, which forms suggest"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"

_CHECK = "length(currency) = 3 AND currency = lower(currency)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":  # where a CHECK comes with a column
        op.execute(
            "ALTER TABLE school_settings ADD COLUMN currency VARCHAR(3)"
            f" CONSTRAINT ck_school_settings_currency CHECK ({_CHECK})"
        )
        return
    op.add_column("school_settings", sa.Column("currency", sa.String(length=3), nullable=True))
    op.create_check_constraint(
        op.f("ck_school_settings_currency"), "school_settings", sa.text(_CHECK)
    )


def downgrade() -> None:
    op.drop_column("school_settings", "currency")
