"""an index of the students of a course, for the list that shows the latest first"""

from alembic import op

revision = "0041"
down_revision = "0040"

_INDEX = "ix_enrollments_newest"


def upgrade() -> None:
    op.create_index(_INDEX, "enrollments", ["course_id", "enrolled_at", "id"])


def downgrade() -> None:
    op.drop_index(_INDEX, "enrollments")
