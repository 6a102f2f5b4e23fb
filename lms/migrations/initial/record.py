"""What happened, what was sent and what was sold: kept when people and courses go."""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime


def create_tables() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=True),
        sa.Column("student_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("course_title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("details", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "id"])
    op.create_index("ix_audit_entries_at", "audit_entries", ["at", "id"])
    op.create_index("ix_audit_entries_course_id", "audit_entries", ["course_id", "id"])
    op.create_index("ix_audit_entries_student_id", "audit_entries", ["student_id", "id"])

    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("student_name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("student_email", sa.String(length=254), server_default="", nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("course_title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column(
            "decided_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.CheckConstraint("status IN ('approved', 'rejected')", name=op.f("ck_decisions_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("request_id", name=op.f("uq_decisions_request_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_course_id", "decisions", ["course_id", "decided_at"])
    op.create_index("ix_decisions_decided_at", "decisions", ["decided_at", "id"])
    op.create_index("ix_decisions_student_id", "decisions", ["student_id", "course_id"])

    op.create_table(
        "outbox_emails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_emails")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_emails_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_emails_sent_at", "outbox_emails", ["sent_at", "id"])

    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("course_title", sa.String(length=200), server_default="", nullable=False),
        sa.Column("user_email", sa.String(length=254), server_default="", nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="eur", nullable=False),
        sa.Column("status", sa.String(length=24), server_default="pending", nullable=False),
        sa.Column("refunded_cents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stripe_session_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(length=255), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("access_ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'paid', 'partially_refunded', 'refunded', "
            "'failed', 'expired', 'disputed', 'dispute_lost', 'needs_review', 'undeliverable')",
            name=op.f("ck_payments_status"),
        ),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_payments_amount_cents")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = lower(currency)", name=op.f("ck_payments_currency")
        ),
        sa.CheckConstraint(
            "refunded_cents BETWEEN 0 AND amount_cents", name=op.f("ck_payments_refunded_cents")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_payments_course_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_payments_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "stripe_payment_intent_id", name=op.f("uq_payments_stripe_payment_intent_id")
        ),
        sa.UniqueConstraint("stripe_session_id", name=op.f("uq_payments_stripe_session_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_payments_course_id", "payments", ["course_id"])
    op.create_index("ix_payments_created_at", "payments", ["created_at", "id"])
    op.create_index("ix_payments_status", "payments", ["status", "id"])
    op.create_index("ix_payments_user_id", "payments", ["user_id", "course_id"])

    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("started_by", sa.Integer(), nullable=True),
        sa.Column("scope", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="running", nullable=False),
        sa.Column("fixed", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("remaining", sa.JSON(), server_default="{}", nullable=False),
        sa.Column(
            "started_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'finished', 'failed', 'undone')",
            name=op.f("ck_sync_runs_status"),
        ),
        sa.CheckConstraint(
            "trigger IN ('manual', 'scheduled', 'startup', 'import')",
            name=op.f("ck_sync_runs_trigger"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        sa.UniqueConstraint("slot", name=op.f("uq_sync_runs_slot")),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "sync_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sync_runs.id"], name=op.f("fk_sync_changes_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sync_changes_run_id", "sync_changes", ["run_id", "id"])

    op.create_table(
        "versions",
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("topic", "shard", name=op.f("pk_versions")),
    )
