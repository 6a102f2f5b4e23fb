"""an index of all that the trail says of access: when it began, and when it ended"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_NOW, _BEFORE = "ix_audit_entries_access", "ix_audit_entries_granted"
_GRANTED = "action = 'access.granted'"
_CHANGES = f"{_GRANTED} OR action = 'access.source_withdrawn' OR action = 'access.ended'"


def upgrade() -> None:
    _exchange(_BEFORE, _NOW, _CHANGES)


def downgrade() -> None:
    _exchange(_NOW, _BEFORE, _GRANTED)


def _exchange(old: str, new: str, condition: str) -> None:
    op.drop_index(old, "audit_entries")
    op.create_index(
        *(new, "audit_entries", ["student_id", "course_id", "id"]),
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
