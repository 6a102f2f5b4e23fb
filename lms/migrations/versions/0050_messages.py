"""messages of the school to the students of a course"""

import sqlalchemy as sa
from alembic import op

from lms.migrations.typed import refuse_wrong_types

revision = "0050"
down_revision = "0049"

_LAST = "'progress_reset'"
_NEW = f"{_LAST}, 'message'"
_TRUTHS = ("is_active", "emails_decisions", "emails_purchases", "emails_requests")


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("emails_messages", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    refuse_wrong_types("users", "version", truths=(*_TRUTHS, "emails_messages"))
    _change_kinds(_LAST, _NEW)


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'message'")
    _change_kinds(_NEW, _LAST)
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER users_refuse_wrong_type_{event}")
    op.drop_column("users", "emails_messages")
    refuse_wrong_types("users", "version", truths=_TRUTHS)


def _change_kinds(old: str, new: str) -> None:
    """Change which kinds the CHECK of notices lists last; on SQLite it is text."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        kinds = (
            *("approved", "rejected", "reconsidered", "enrolled", "unenrolled", "request_closed"),
            *("offer", "paid", "refunded", "payment_review", "payment_failed", "payment_disputed"),
            *("certificate_revoked", "certificate_reinstated"),
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
