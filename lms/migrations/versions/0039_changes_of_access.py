"""indexes of what the trail says of access, when it began and when it ended, and of courses"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_NOW, _BEFORE = "ix_audit_entries_access", "ix_audit_entries_granted"
_EDITED = "ix_audit_entries_edited"
_GRANTED = "action = 'access.granted'"
_CHANGES = f"{_GRANTED} OR action = 'access.source_withdrawn' OR action = 'access.ended'"


def upgrade() -> None:
    _exchange(_BEFORE, _NOW, _CHANGES)
    is_edit = sa.text("action = 'course.edited'")
    op.create_index(
        *(_EDITED, "audit_entries", ["course_id", "id"]),
        sqlite_where=is_edit,
        postgresql_where=is_edit,
    )


def downgrade() -> None:
    op.drop_index(_EDITED, "audit_entries")
    _exchange(_NOW, _BEFORE, _GRANTED)


def _exchange(old: str, new: str, condition: str) -> None:
    op.drop_index(old, "audit_entries")
    op.create_index(
        *(new, "audit_entries", ["student_id", "course_id", "id"]),
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
