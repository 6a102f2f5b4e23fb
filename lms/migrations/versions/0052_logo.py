"""the school's logo"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from lms.migrations.typed import refuse_wrong_types

revision = "0052"
down_revision = "0050"
_NUMBERS = ("version", "offer_days")
_LOGO_NUMBERS = ("logo_bytes", "logo_width", "logo_height")
_COLUMNS: dict[str, Any] = {
    "logo_digest": sa.String(64),
    "logo_bytes": sa.BigInteger(),
    "logo_type": sa.String(16),
    "logo_width": sa.Integer(),
    "logo_height": sa.Integer(),
}
_CHECKS = {
    "logo_digest": "length(logo_digest) = 64 AND ltrim(logo_digest, '0123456789abcdef') = ''",
    "logo_type": "logo_type IN ('image/png', 'image/jpeg')",
    "logo_whole": "(logo_digest IS NULL) = (logo_bytes IS NULL)"
    " AND (logo_digest IS NULL) = (logo_type IS NULL)"
    " AND (logo_digest IS NULL) = (logo_width IS NULL)"
    " AND (logo_digest IS NULL) = (logo_height IS NULL)"
    " AND logo_bytes > 0 AND logo_width > 0 AND logo_height > 0",
}
_BESIDE = {"logo_digest": "logo_digest", "logo_type": "logo_type", "logo_height": "logo_whole"}
"""On SQLite a CHECK comes with a column, and goes with it."""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, of in _COLUMNS.items():
        if is_sqlite and name in _BESIDE:
            check = _BESIDE[name]
            op.execute(
                f"ALTER TABLE school_settings ADD COLUMN {name} {of.compile()}"
                f" CONSTRAINT ck_school_settings_{check} CHECK ({_CHECKS[check]})"
            )
        else:
            op.add_column("school_settings", sa.Column(name, of, nullable=True))
    if not is_sqlite:
        for check, rule in _CHECKS.items():
            op.create_check_constraint(op.f(f"ck_school_settings_{check}"), "school_settings", rule)
    refuse_wrong_types("school_settings", *_NUMBERS, *_LOGO_NUMBERS)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # SQLite drops no column that a trigger names.
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER school_settings_refuse_wrong_type_{event}")
    for name in reversed(_COLUMNS):
        op.drop_column("school_settings", name)
    refuse_wrong_types("school_settings", *_NUMBERS)
