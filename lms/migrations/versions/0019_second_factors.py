"""second factors, recovery codes, and when a person last showed that it is still them"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0019"
down_revision = "0023"

_NUMBERS = {
    "second_factors": ("user_id", "last_step", "sign_count"),
    "recovery_codes": ("user_id",),
}


def upgrade() -> None:
    op.add_column("sign_ins", sa.Column("proved_at", UtcDateTime(), nullable=True))
    op.create_table(
        "second_factors",
        *_owned("second_factors"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("credential_id", sa.String(1400), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=True),
        _created_at(),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('totp', 'passkey')", name=op.f("ck_second_factors_kind")),
        sa.CheckConstraint(
            "(kind = 'totp') = (secret IS NOT NULL AND last_step IS NOT NULL)",
            name=op.f("ck_second_factors_totp_whole"),
        ),
        sa.CheckConstraint(
            "(kind = 'passkey') = (public_key IS NOT NULL AND sign_count IS NOT NULL)",
            name=op.f("ck_second_factors_passkey_whole"),
        ),
        sa.UniqueConstraint("credential_id", name=op.f("uq_second_factors_credential_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "recovery_codes",
        *_owned("recovery_codes"),
        sa.Column("code_hash", sa.String(64), nullable=False),
        _created_at(),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spent_challenges",
        sa.Column("challenge_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("challenge_hash", name=op.f("pk_spent_challenges")),
    )
    op.create_index(op.f("ix_spent_challenges_expires_at"), "spent_challenges", ["expires_at"])
    for table, numbers in _NUMBERS.items():
        op.create_index(op.f(f"ix_{table}_user_id"), table, ["user_id"])
        refuse_wrong_types(table, *numbers)


def downgrade() -> None:
    for table in ("spent_challenges", "recovery_codes", "second_factors"):
        op.drop_table(table)
    op.drop_column("sign_ins", "proved_at")


def _owned(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Return the columns and keys of rows that go with their person."""
    return (
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _created_at() -> sa.Column[object]:
    now = sa.func.current_timestamp()
    return sa.Column("created_at", UtcDateTime(), server_default=now, nullable=False)
