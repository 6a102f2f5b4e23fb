"""validations: the one in progress and the latest report, which pages and health show"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0013"
down_revision = "0012"

_NUMBERS = ("checked", "seen")


def upgrade() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "validations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="running", nullable=False),
        sa.Column("owner", sa.String(length=120), server_default="", nullable=False),
        sa.Column("checked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'finished', 'failed')", name=op.f("ck_validations_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_validations_running",
        "validations",
        ["status"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _refuse_wrong_types()


def downgrade() -> None:
    op.drop_table("validations")


def _refuse_wrong_types() -> None:
    wrong = {name: f"typeof(NEW.{name}) NOT IN ('integer', 'null')" for name in _NUMBERS}
    changed = [f"NEW.{name} IS NOT OLD.{name} AND {rule}" for name, rule in wrong.items()]
    for name, event, conditions in (
        ("insert", "INSERT", list(wrong.values())),
        ("update", f"UPDATE OF {', '.join(wrong)}", changed),
    ):
        op.execute(
            f"CREATE TRIGGER validations_refuse_wrong_type_{name} BEFORE {event} ON validations "
            f"WHEN {' OR '.join(conditions)} "
            "BEGIN SELECT RAISE(ABORT, 'a value of the wrong type for validations'); END"
        )
