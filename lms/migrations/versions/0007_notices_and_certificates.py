"""notices, preferences for e-mails, certificates"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0007"
down_revision = "0006"

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PREFERENCES = {
    "emails_decisions": sa.true(),
    "emails_purchases": sa.true(),
    "emails_requests": sa.false(),
}
_KINDS = (
    *("approved", "rejected", "reconsidered", "enrolled", "unenrolled", "request_closed"),
    *("paid", "refunded", "payment_review", "payment_failed", "payment_disputed"),
    *("certificate_revoked", "certificate_reinstated"),
)


def upgrade() -> None:
    for name, default in _PREFERENCES.items():
        op.add_column(
            "users", sa.Column(name, sa.Boolean(), server_default=default, nullable=False)
        )
    op.add_column(
        "outbox_emails", sa.Column("path", sa.String(200), server_default="", nullable=False)
    )
    _create_notices()
    _create_certificates()
    _issue_certificates()


def downgrade() -> None:
    op.drop_table("certificates")
    op.drop_table("notices")
    op.drop_column("outbox_emails", "path")
    for name in reversed(_PREFERENCES):
        op.drop_column("users", name)


def _create_notices() -> None:
    listed = ", ".join(f"'{kind}'" for kind in _KINDS)
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(f"kind IN ({listed})", name=op.f("ck_notices_kind")),
        sa.CheckConstraint("title <> ''", name=op.f("ck_notices_title_given")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notices_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_notices_course_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_notices_payment_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_user_id", "notices", ["user_id", "id"])
    op.create_index(op.f("ix_notices_course_id"), "notices", ["course_id"])
    op.create_index(
        "ix_notices_unread",
        "notices",
        ["user_id"],
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )


def _create_certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=29), nullable=False),
        sa.Column("student_name", sa.String(length=120), nullable=False),
        sa.Column("course_title", sa.String(length=200), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=False),
        sa.Column(
            "issued_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("length(code) = 29", name=op.f("ck_certificates_code")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_certificates_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["course_id"],
            ["courses.id"],
            name=op.f("fk_certificates_course_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("code", name=op.f("uq_certificates_code")),
        sa.UniqueConstraint("user_id", "course_id", name=op.f("uq_certificates_user_id_course_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_certificates_course_id"), "certificates", ["course_id"])


def _issue_certificates() -> None:
    """Whoever had completed a course before there were certificates gets theirs."""
    certificates = sa.table(
        "certificates",
        *(sa.column(name) for name in ("user_id", "course_id", "code")),
        *(sa.column(name) for name in ("student_name", "course_title")),
        *(sa.column(name, UtcDateTime()) for name in ("completed_at", "issued_at")),
    )
    enrollments = sa.table(
        "enrollments",
        *(sa.column(name) for name in ("user_id", "course_id", "progress")),
        sa.column("completed_at", UtcDateTime()),
    )
    users = sa.table("users", sa.column("id"), sa.column("name"))
    courses = sa.table("courses", sa.column("id"), sa.column("title"))
    moment = datetime.now(UTC)
    completed = op.get_bind().execute(
        sa.select(
            enrollments.c.user_id,
            enrollments.c.course_id,
            users.c.name.label("student_name"),
            courses.c.title.label("course_title"),
            enrollments.c.completed_at,
        )
        .join(users, users.c.id == enrollments.c.user_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(enrollments.c.progress == 100)
    )
    rows = [
        row._asdict()
        | {
            "code": _code(),
            "completed_at": row.completed_at or moment,
            "issued_at": moment,
        }
        for row in completed
    ]
    if rows:
        op.get_bind().execute(sa.insert(certificates), rows)


def _code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(6))
    return "-".join(groups)
