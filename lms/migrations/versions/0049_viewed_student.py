"""the student as whom an admin sees the portal, and when people last signed in"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0049"
down_revision = "0048"

_USER = "CONSTRAINT fk_sign_ins_user_id FOREIGN KEY"
_VIEWED = (
    "CONSTRAINT fk_sign_ins_viewed_id FOREIGN KEY(viewed_id) REFERENCES users (id)"
    " ON DELETE SET NULL"
)


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("viewed_id", sa.Integer(), nullable=True))
    if _is_sqlite():
        _rewrite(_USER, f"{_VIEWED}, {_USER}")
    else:
        op.create_foreign_key(
            op.f("fk_sign_ins_viewed_id"),
            *("sign_ins", "users", ["viewed_id"], ["id"]),
            ondelete="SET NULL",
        )
    op.add_column("sign_ins", sa.Column("viewed_until", UtcDateTime(), nullable=True))
    viewed = sa.text("viewed_id IS NOT NULL")
    op.create_index(
        "ix_sign_ins_viewed_id",
        "sign_ins",
        ["viewed_id"],
        sqlite_where=viewed,
        postgresql_where=viewed,
    )
    op.add_column("users", sa.Column("signed_in_at", UtcDateTime(), nullable=True))
    # What is known of before: the sign-ins that have not ended.
    op.execute(
        "UPDATE users SET signed_in_at ="
        " (SELECT max(s.created_at) FROM sign_ins s WHERE s.user_id = users.id)"
    )
    refuse_wrong_types("sign_ins", "user_id", "viewed_id", truths=("is_remembered",))


def downgrade() -> None:
    op.drop_column("users", "signed_in_at")
    op.drop_index("ix_sign_ins_viewed_id", "sign_ins")
    if _is_sqlite():
        _rewrite(f"{_VIEWED}, {_USER}", _USER)
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER sign_ins_refuse_wrong_type_{event}")
    op.drop_column("sign_ins", "viewed_until")
    op.drop_column("sign_ins", "viewed_id")
    refuse_wrong_types("sign_ins", "user_id", truths=("is_remembered",))


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _rewrite(old: str, new: str) -> None:
    """Change the text of the table: SQLite adds no key to one that is there."""
    connection = op.get_bind()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.execute(
        sa.text("UPDATE sqlite_schema SET sql = replace(sql, :old, :new) WHERE name = 'sign_ins'"),
        {"old": old, "new": new},
    )
    connection.exec_driver_sql("PRAGMA writable_schema=RESET")
