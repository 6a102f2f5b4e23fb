"""since when an address is known to be the person's own; those of today count as such"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0016"
down_revision = "0015"

_DEFAULT = sa.text("(CURRENT_TIMESTAMP)")


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.add_column(
        "users",
        sa.Column(
            "email_verified_at",
            UtcDateTime(),
            server_default=None if is_sqlite else _DEFAULT,
            nullable=True,
        ),
    )
    if is_sqlite:
        _give_default("users", "email_verified_at VARCHAR(32)", f"DEFAULT {_DEFAULT}")
    op.execute("UPDATE users SET email_verified_at = created_at")


def downgrade() -> None:
    # To the release before they would be whole accounts, and proven once it is upgraded again.
    op.execute("DELETE FROM users WHERE email_verified_at IS NULL")
    op.drop_column("users", "email_verified_at")


def _give_default(table: str, column: str, default: str) -> None:
    """Let a column have a default that is no constant, which SQLite refuses to a new column.

    Its documentation says how (lang_altertable, "Making Other Kinds Of Table Schema Changes"). To
    build the table anew, Alembic would put its constraints in another order each time.
    """
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar() or 0
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :column, :new) WHERE name = :table"),
        {"column": column, "new": f"{column} {default}", "table": table},
    )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
