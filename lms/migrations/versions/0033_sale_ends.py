"""why a checkout is closed that was open: money that still comes is reviewed for that reason"""

from alembic import op

revision = "0033"
down_revision = "0030"

_ENDS = "'off_sale', 'offer', 'approval', 'price', 'enrolled', 'paid'"


def upgrade() -> None:
    # By itself: Alembic leaves the CHECK of a new column out on SQLite.
    op.execute(
        "ALTER TABLE payments ADD COLUMN sale_end VARCHAR(16)"
        f" CONSTRAINT ck_payments_sale_end CHECK (sale_end IN ({_ENDS}))"
    )


def downgrade() -> None:
    op.drop_column("payments", "sale_end")
