"""refunds requested here, each under an id of its own; what a bank has taken back for good"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0026"
down_revision = "0029"

_TABLE = "refund_requests"
_NUMBERS = ("user_id", "course_id", "amount_cents", "refunded_cents")


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("asked_cents", sa.Integer(), nullable=True),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="requested", nullable=False),
        sa.Column("stripe_refund_id", sa.String(length=255), nullable=True),
        sa.Column("refusal", sa.Text(), server_default="", nullable=False),
        sa.Column(
            *("created_at", UtcDateTime()),
            server_default=sa.func.current_timestamp(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            *(["payment_id"], ["payments.id"]),
            name=op.f("fk_refund_requests_payment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_requests")),
        sa.UniqueConstraint("key", name=op.f("uq_refund_requests_key")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_refund_requests_stripe_refund_id")),
        sa.CheckConstraint(
            "status IN ('requested', 'taken', 'refused')", name=op.f("ck_refund_requests_status")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_refund_requests_amount_cents")),
        sa.CheckConstraint(
            "(status = 'taken') = (stripe_refund_id IS NOT NULL)",
            name=op.f("ck_refund_requests_taken"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_refund_requests_payment_id", _TABLE, ["payment_id", "id"])
    unanswered = sa.text("status = 'requested'")
    op.create_index(
        *("ix_refund_requests_unanswered", _TABLE, ["id"]),
        sqlite_where=unanswered,
        postgresql_where=unanswered,
    )
    refuse_wrong_types(_TABLE, "payment_id", "asked_cents", "amount_cents")
    # Alembic leaves the CHECK of a new column out.
    op.execute(
        "ALTER TABLE payments ADD COLUMN lost_cents INTEGER DEFAULT '0' NOT NULL"
        " CONSTRAINT ck_payments_lost_cents"
        " CHECK (lost_cents = 0 OR lost_cents BETWEEN 1 AND amount_cents)"
    )
    refuse_wrong_types("payments", *_NUMBERS, "lost_cents")
    lost = (
        "SELECT coalesce(sum(CASE amount WHEN 0 THEN payments.amount_cents ELSE amount END), 0)"
        " FROM stripe_disputes"
        " WHERE payment_intent = payments.stripe_payment_intent_id AND status = 'lost'"
    )
    least = {"sqlite": "min", "postgresql": "least"}[op.get_bind().dialect.name]
    lost = f"{least}(({lost}), amount_cents)"
    op.execute(f"UPDATE payments SET lost_cents = {lost} WHERE status = 'dispute_lost'")


def downgrade() -> None:
    refuse_wrong_types("payments", *_NUMBERS)
    op.drop_column("payments", "lost_cents")
    op.drop_table(_TABLE)
