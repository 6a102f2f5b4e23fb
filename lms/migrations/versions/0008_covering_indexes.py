"""indexes that hold all that analytics, the audit's filter by person and the queue ask for"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.drop_index("ix_enrollments_course_id", "enrollments")
    op.create_index("ix_enrollments_course_id", "enrollments", ["course_id", "user_id", "progress"])
    op.drop_index("ix_student_progress_course_id", "student_progress")
    op.create_index(
        "ix_student_progress_course_id",
        "student_progress",
        ["course_id", "total_progress", "last_activity_at"],
    )
    op.create_index("ix_audit_entries_actor_id", "audit_entries", ["actor_id", "id"])
    # Whoever waits is found by status: SQLite does not use the partial unique index for that.
    op.drop_index("ix_access_requests_created_at", "access_requests")
    op.create_index("ix_access_requests_status", "access_requests", ["status", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_access_requests_status", "access_requests")
    op.create_index("ix_access_requests_created_at", "access_requests", ["created_at", "id"])
    op.drop_index("ix_audit_entries_actor_id", "audit_entries")
    op.drop_index("ix_student_progress_course_id", "student_progress")
    op.create_index("ix_student_progress_course_id", "student_progress", ["course_id"])
    op.drop_index("ix_enrollments_course_id", "enrollments")
    op.create_index("ix_enrollments_course_id", "enrollments", ["course_id", "user_id"])
