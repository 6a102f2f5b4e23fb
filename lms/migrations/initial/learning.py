"""Access, requests for it, and what was learned."""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime


def create_tables() -> None:
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
