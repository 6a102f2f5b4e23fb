"""figures by which SQLite plans, and what grew with the school at each change: no longer"""

from alembic import op

from lms.migrations import statistics
from lms.migrations.seats import respect_capacity

revision = "0055"
down_revision = "0054"

_INDEXES = {
    # SQLite looks for rows that refer to a payment even where one is added.
    "ix_notices_payment_id": ("notices", ["payment_id"]),
    "ix_access_requests_student_id": ("access_requests", ["student_id", "course_id"]),
}


def upgrade() -> None:
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)
    respect_capacity(counts_always=False)
    statistics.write(op.get_bind())


def downgrade() -> None:
    statistics.delete(op.get_bind())
    respect_capacity(counts_always=True)
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
