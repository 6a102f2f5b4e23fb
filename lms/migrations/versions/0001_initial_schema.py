"""initial schema"""

from alembic import op

from lms.migrations.initial import catalog, learning, people, record, rules

revision = "0001"
down_revision = None


def upgrade() -> None:
    people.create_tables()
    catalog.create_tables()
    learning.create_tables()
    record.create_tables()
    rules.create()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_enrollments_mirror", "enrollments", type_="foreignkey")
    for table in _TABLES:
        op.drop_table(table)
    rules.drop()


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
