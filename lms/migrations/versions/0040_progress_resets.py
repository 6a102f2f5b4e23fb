"""notices of progress that an admin has reset"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

_LAST = "'certificate_reinstated'"
_NEW = f"{_LAST}, 'progress_reset'"


def upgrade() -> None:
    _change_kinds(_LAST, _NEW)


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'progress_reset'")
    _change_kinds(_NEW, _LAST)


def _change_kinds(old: str, new: str) -> None:
    """Change which kinds the CHECK of notices lists last; on SQLite it is text."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        kinds = (
            *("approved", "rejected", "reconsidered", "enrolled", "unenrolled", "request_closed"),
            *("offer", "paid", "refunded", "payment_review", "payment_failed", "payment_disputed"),
            "certificate_revoked",
        )
        listed = ", ".join([*(f"'{kind}'" for kind in kinds), new])
        op.drop_constraint(op.f("ck_notices_kind"), "notices")
        op.create_check_constraint(op.f("ck_notices_kind"), "notices", f"kind IN ({listed})")
        return
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.execute(
        sa.text("UPDATE sqlite_schema SET sql = replace(sql, :old, :new) WHERE name = 'notices'"),
        {"old": old, "new": new},
    )
    connection.exec_driver_sql("PRAGMA writable_schema=RESET")
