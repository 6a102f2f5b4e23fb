"""an index of grants in the trail, which then also has certificates of earlier releases"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

_INDEX = "ix_audit_entries_granted"
_DETAILS = {
    "sqlite": "json_object('code', c.code, 'completed_at', c.completed_at)",
    "postgresql": "json_build_object('code', c.code, 'completed_at', c.completed_at)",
}


def upgrade() -> None:
    is_grant = sa.text("action = 'access.granted'")
    op.create_index(
        *(_INDEX, "audit_entries", ["student_id", "course_id", "id"]),
        sqlite_where=is_grant,
        postgresql_where=is_grant,
    )
    details = _DETAILS[op.get_bind().dialect.name]
    op.execute(
        "INSERT INTO audit_entries (at, action, student_id, student_name, course_id, course_title,"
        f" reason, details) SELECT c.issued_at, 'certificate.issued', c.user_id, c.student_name,"
        f" c.course_id, c.course_title, 'Known at the upgrade', {details} FROM certificates c"
        " ORDER BY c.id"
    )


def downgrade() -> None:
    op.drop_index(_INDEX, "audit_entries")
