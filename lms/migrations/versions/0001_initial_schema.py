"""initial schema"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
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
        "courses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(length=16), server_default="draft", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_default_unlocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("price_cents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="eur", nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'published', 'active', 'archived')", name=op.f("ck_courses_status")
        ),
        sa.CheckConstraint(
            "NOT is_default_unlocked OR capacity IS NULL",
            name=op.f("ck_courses_default_has_no_limit"),
        ),
        sa.CheckConstraint("capacity IS NULL OR capacity >= 0", name=op.f("ck_courses_capacity")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = lower(currency)", name=op.f("ck_courses_currency")
        ),
        sa.CheckConstraint(
            "price_cents BETWEEN 0 AND 99999999", name=op.f("ck_courses_price_cents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courses")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_courses_status_title", "courses", ["status", "title", "id"])

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
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), server_default="", nullable=False),
        sa.Column("role", sa.String(length=16), server_default="student", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("email <> ''", name=op.f("ck_users_email_given")),
        sa.CheckConstraint("role IN ('student', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_role_name", "users", ["role", "name", "id"])

    op.create_table(
        "versions",
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("topic", "shard", name=op.f("pk_versions")),
    )
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'rejected')", name=op.f("ck_access_requests_status")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_access_requests_course_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["student_id"],
            ["users.id"],
            name=op.f("fk_access_requests_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_requests_course_id", "access_requests", ["course_id"])
    op.create_index("ix_access_requests_created_at", "access_requests", ["created_at", "id"])
    op.create_index(
        "uq_access_requests_pending",
        "access_requests",
        ["student_id", "course_id"],
        unique=True,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )

    op.create_table(
        "access_waivers",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_access_waivers_course_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_waivers_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "course_id", name=op.f("pk_access_waivers")),
    )
    op.create_index("ix_access_waivers_course_id", "access_waivers", ["course_id"])

    op.create_table(
        "chapters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_chapters_course_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapters")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chapters_course_id_position", "chapters", ["course_id", "position", "id"])

    op.create_table(
        "enrollments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "enrolled_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_enrollments_progress")),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_enrollments_course_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "course_id", "progress"],
            [
                "student_progress.student_id",
                "student_progress.course_id",
                "student_progress.total_progress",
            ],
            name="fk_enrollments_mirror",
            initially="DEFERRED",
            deferrable=True,
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_enrollments_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint(
            "user_id",
            "course_id",
            "progress",
            name=op.f("uq_enrollments_user_id_course_id_progress"),
        ),
        sa.UniqueConstraint("user_id", "course_id", name=op.f("uq_enrollments_user_id_course_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_enrollments_course_id", "enrollments", ["course_id", "user_id"])
    op.create_index("ix_enrollments_enrolled_at", "enrollments", ["enrolled_at"])

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
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("is_remembered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_ins_user_id", "sign_ins", ["user_id"])

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
        "access_sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "granted_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("granted_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('default', 'direct', 'approval', 'admin', 'payment', 'import')",
            name=op.f("ck_access_sources_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "course_id"],
            ["enrollments.user_id", "enrollments.course_id"],
            name="fk_access_sources_enrollment",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_sources")),
        sa.UniqueConstraint(
            "user_id",
            "course_id",
            "kind",
            "reference",
            name=op.f("uq_access_sources_user_id_course_id_kind_reference"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_sources_course_id", "access_sources", ["course_id"])

    op.create_table(
        "chapter_completions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("chapter_id", sa.Integer(), nullable=False),
        sa.Column(
            "completed_at",
            UtcDateTime(),
            server_default=sa.func.current_timestamp(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["chapter_id"],
            ["chapters.id"],
            name=op.f("fk_chapter_completions_chapter_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["student_id"],
            ["users.id"],
            name=op.f("fk_chapter_completions_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapter_completions")),
        sa.UniqueConstraint(
            "student_id", "chapter_id", name=op.f("uq_chapter_completions_student_id_chapter_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chapter_completions_chapter_id", "chapter_completions", ["chapter_id"])
    op.create_index("ix_chapter_completions_completed_at", "chapter_completions", ["completed_at"])

    op.create_table(
        "student_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("student_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("total_progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_activity_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "total_progress BETWEEN 0 AND 100", name=op.f("ck_student_progress_total_progress")
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_student_progress_course_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["student_id", "course_id", "total_progress"],
            ["enrollments.user_id", "enrollments.course_id", "enrollments.progress"],
            name="fk_student_progress_mirror",
            onupdate="CASCADE",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["student_id"],
            ["users.id"],
            name=op.f("fk_student_progress_student_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_progress")),
        sa.UniqueConstraint(
            "student_id",
            "course_id",
            "total_progress",
            name=op.f("uq_student_progress_student_id_course_id_total_progress"),
        ),
        sa.UniqueConstraint(
            "student_id", "course_id", name=op.f("uq_student_progress_student_id_course_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_student_progress_course_id", "student_progress", ["course_id"])
    op.create_index(
        "ix_student_progress_last_activity_at", "student_progress", ["last_activity_at"]
    )
    _hold_enrollments_to_their_mirror()
    _create_triggers()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_enrollments_mirror", "enrollments", type_="foreignkey")
    for table in _TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for name in _POSTGRESQL_TRIGGERS:
            op.execute(f"DROP FUNCTION IF EXISTS {name}()")


_TABLES = (
    "student_progress",
    "chapter_completions",
    "access_sources",
    "sync_changes",
    "sign_ins",
    "payments",
    "enrollments",
    "chapters",
    "access_waivers",
    "access_requests",
    "versions",
    "users",
    "sync_runs",
    "outbox_emails",
    "decisions",
    "courses",
    "audit_entries",
)


def _hold_enrollments_to_their_mirror() -> None:
    # SQLite took this key inline, in CREATE TABLE; PostgreSQL needs the other table first.
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(
            "fk_enrollments_mirror",
            "enrollments",
            "student_progress",
            ["user_id", "course_id", "progress"],
            ["student_id", "course_id", "total_progress"],
            initially="DEFERRED",
            deferrable=True,
        )


def _create_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, (event, body) in _SQLITE_TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {event} BEGIN {body} END")
        return
    for name, (event, body) in _POSTGRESQL_TRIGGERS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
        )
        each = "STATEMENT" if event.startswith("BEFORE TRUNCATE") else "ROW"
        op.execute(f"CREATE TRIGGER {name} {event} FOR EACH {each} EXECUTE FUNCTION {name}()")


_SQLITE_PENDING = """
WHEN NEW.status = 'pending' AND EXISTS (
    SELECT 1 FROM enrollments e WHERE e.user_id = NEW.student_id AND e.course_id = NEW.course_id
)"""
_SQLITE_REFUSE_PENDING = (
    "SELECT RAISE(ABORT, 'a pending request cannot stand beside an enrollment');"
)
_SQLITE_SUPERSEDE = """
DELETE FROM access_requests
WHERE student_id = NEW.user_id AND course_id = NEW.course_id AND status = 'pending';"""
_SQLITE_REFUSE_CHANGE = "SELECT RAISE(ABORT, 'this record is kept for good');"

_SQLITE_TRIGGERS = {
    "access_requests_refuse_pending_insert": (
        f"BEFORE INSERT ON access_requests {_SQLITE_PENDING}",
        _SQLITE_REFUSE_PENDING,
    ),
    "access_requests_refuse_pending_update": (
        f"BEFORE UPDATE OF student_id, course_id, status ON access_requests {_SQLITE_PENDING}",
        _SQLITE_REFUSE_PENDING,
    ),
    "enrollments_supersede_insert": ("AFTER INSERT ON enrollments", _SQLITE_SUPERSEDE),
    "enrollments_supersede_update": (
        "AFTER UPDATE OF user_id, course_id ON enrollments",
        _SQLITE_SUPERSEDE,
    ),
    "enrollments_respect_capacity_insert": (
        """BEFORE INSERT ON enrollments
        WHEN NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        ) AND (SELECT capacity FROM courses c WHERE c.id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        )""",
        "SELECT RAISE(ABORT, 'the course is full');",
    ),
    "enrollments_respect_capacity_update": (
        """BEFORE UPDATE OF course_id ON enrollments
        WHEN NEW.course_id <> OLD.course_id
        AND (SELECT capacity FROM courses c WHERE c.id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        )""",
        "SELECT RAISE(ABORT, 'the course is full');",
    ),
    "courses_respect_capacity": (
        """BEFORE UPDATE OF capacity ON courses
        WHEN NEW.capacity < (SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.id)""",
        "SELECT RAISE(ABORT, 'more students are enrolled than this capacity');",
    ),
    "audit_entries_refuse_update": ("BEFORE UPDATE ON audit_entries", _SQLITE_REFUSE_CHANGE),
    "audit_entries_refuse_delete": ("BEFORE DELETE ON audit_entries", _SQLITE_REFUSE_CHANGE),
    "decisions_refuse_update": ("BEFORE UPDATE ON decisions", _SQLITE_REFUSE_CHANGE),
    "decisions_refuse_delete": ("BEFORE DELETE ON decisions", _SQLITE_REFUSE_CHANGE),
}

# The locks: without them two transactions that do not see each other's row both pass. The order,
# course before user, is that of the verbs, so that they cannot deadlock with one another.
_POSTGRESQL_REFUSE_CHANGE = (
    "RAISE EXCEPTION 'this record is kept for good' USING ERRCODE = '23514';"
)

_POSTGRESQL_TRIGGERS = {
    "access_requests_refuse_pending": (
        "BEFORE INSERT OR UPDATE OF student_id, course_id, status ON access_requests",
        """
        IF NEW.status = 'pending' THEN
            PERFORM 1 FROM users WHERE id = NEW.student_id FOR NO KEY UPDATE;
            IF EXISTS (
                SELECT 1 FROM enrollments e
                WHERE e.user_id = NEW.student_id AND e.course_id = NEW.course_id
            ) THEN
                RAISE EXCEPTION 'a pending request cannot stand beside an enrollment'
                USING ERRCODE = '23514';
            END IF;
        END IF;
        RETURN NEW;
        """,
    ),
    "enrollments_supersede": (
        "AFTER INSERT OR UPDATE OF user_id, course_id ON enrollments",
        """
        PERFORM 1 FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
        DELETE FROM access_requests
        WHERE student_id = NEW.user_id AND course_id = NEW.course_id AND status = 'pending';
        RETURN NULL;
        """,
    ),
    "enrollments_respect_capacity": (
        "BEFORE INSERT OR UPDATE OF course_id ON enrollments",
        """
        IF (SELECT capacity FROM courses WHERE id = NEW.course_id) IS NULL THEN
            RETURN NEW;
        END IF;
        PERFORM 1 FROM courses WHERE id = NEW.course_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT 1 FROM enrollments e
            WHERE e.user_id = NEW.user_id AND e.course_id = NEW.course_id
        ) AND (SELECT capacity FROM courses WHERE id = NEW.course_id) <= (
            SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.course_id
        ) THEN
            RAISE EXCEPTION 'the course is full' USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
        """,
    ),
    "courses_respect_capacity": (
        "BEFORE UPDATE OF capacity ON courses",
        """
        IF NEW.capacity < (SELECT count(*) FROM enrollments e WHERE e.course_id = NEW.id) THEN
            RAISE EXCEPTION 'more students are enrolled than this capacity'
            USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
        """,
    ),
    "audit_entries_refuse_change": (
        "BEFORE UPDATE OR DELETE ON audit_entries",
        _POSTGRESQL_REFUSE_CHANGE,
    ),
    "audit_entries_refuse_truncate": (
        "BEFORE TRUNCATE ON audit_entries",
        _POSTGRESQL_REFUSE_CHANGE,
    ),
    "decisions_refuse_change": ("BEFORE UPDATE OR DELETE ON decisions", _POSTGRESQL_REFUSE_CHANGE),
    "decisions_refuse_truncate": ("BEFORE TRUNCATE ON decisions", _POSTGRESQL_REFUSE_CHANGE),
}
