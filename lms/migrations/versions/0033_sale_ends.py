"""why a checkout is closed that was open, and sums of discounts, tax and lost disputes"""

from alembic import op

from lms.migrations.counts import sums
from lms.migrations.counts.declared import price_parts

revision = "0033"
down_revision = "0030"

_ENDS = "'off_sale', 'offer', 'approval', 'price', 'enrolled', 'paid'"
_COUNTED = "'gross', 'discounts', 'tax', 'lost'"


def upgrade() -> None:
    # By itself: Alembic leaves the CHECK of a new column out on SQLite.
    op.execute(
        "ALTER TABLE payments ADD COLUMN sale_end VARCHAR(16)"
        f" CONSTRAINT ck_payments_sale_end CHECK (sale_end IN ({_ENDS}))"
    )
    dialect = op.get_bind().dialect.name
    for statement in sums.fill(dialect, price_parts()):
        op.execute(statement)
    for _, statement in sums.triggers(dialect, price_parts(), called="parts"):
        op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name, _ in sums.triggers(dialect, price_parts(), called="parts"):
        if dialect == "postgresql":
            op.execute(f"DROP FUNCTION {name}() CASCADE")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
    op.execute(f"DELETE FROM daily_counts WHERE name IN ({_COUNTED})")
    op.drop_column("payments", "sale_end")
