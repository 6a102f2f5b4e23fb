"""what Stripe tells: inbox, facts and cursor; one open checkout per student and course"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Not in batch mode, which would rebuild the table on SQLite without CHECKs and AUTOINCREMENT.
    op.add_column("payments", sa.Column("reference", sa.String(64)))
    op.add_column(
        "payments", sa.Column("origin", sa.String(255), server_default="", nullable=False)
    )
    op.add_column("payments", sa.Column("session_expires_at", UtcDateTime()))
    op.add_column("payments", sa.Column("checkout_url", sa.Text()))
    op.add_column("payments", sa.Column("attention", sa.Text(), server_default="", nullable=False))
    op.create_index("uq_payments_reference", "payments", ["reference"], unique=True)
    # Of several open attempts, which nothing forbade so far, the newest is the one to pay.
    op.execute(
        "UPDATE payments SET status = 'expired' WHERE status = 'pending' AND EXISTS ("
        "SELECT 1 FROM payments newer WHERE newer.status = 'pending' "
        "AND newer.user_id = payments.user_id AND newer.course_id = payments.course_id "
        "AND newer.id > payments.id)"
    )
    op.create_index(
        "uq_payments_open",
        "payments",
        ["user_id", "course_id"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("payment_id", sa.Integer()),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "status IN ('done', 'ignored', 'failed')", name=op.f("ck_stripe_events_status")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_stripe_events_payment_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_stripe_events_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stripe_events_status", "stripe_events", ["status", "id"])
    op.create_index("ix_stripe_events_payment_id", "stripe_events", ["payment_id", "id"])
    op.create_table(
        "stripe_sessions",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("payment_intent", sa.String(255)),
        sa.Column("amount_total", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("paid_at", UtcDateTime()),
        sa.CheckConstraint(
            "state IN ('open', 'expired', 'processing', 'failed', 'paid')",
            name=op.f("ck_stripe_sessions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.id"],
            name=op.f("fk_stripe_sessions_payment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_sessions")),
    )
    op.create_index("ix_stripe_sessions_payment_id", "stripe_sessions", ["payment_id"])
    op.create_index("ix_stripe_sessions_payment_intent", "stripe_sessions", ["payment_intent"])
    op.create_table(
        "stripe_refunds",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("payment_intent", sa.String(255)),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name=op.f("ck_stripe_refunds_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_refunds")),
    )
    op.create_index("ix_stripe_refunds_payment_intent", "stripe_refunds", ["payment_intent"])
    op.create_table(
        "stripe_disputes",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("payment_intent", sa.String(255)),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(64), server_default="", nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_disputes")),
    )
    op.create_index("ix_stripe_disputes_payment_intent", "stripe_disputes", ["payment_intent"])
    op.create_table(
        "stripe_cursor",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reconciled_until", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_stripe_cursor_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_cursor")),
    )


def downgrade() -> None:
    op.drop_table("stripe_cursor")
    op.drop_table("stripe_disputes")
    op.drop_table("stripe_refunds")
    op.drop_table("stripe_sessions")
    op.drop_table("stripe_events")
    op.drop_index("uq_payments_open", "payments")
    op.drop_index("uq_payments_reference", "payments")
    for column in ("attention", "checkout_url", "session_expires_at", "origin", "reference"):
        op.drop_column("payments", column)
