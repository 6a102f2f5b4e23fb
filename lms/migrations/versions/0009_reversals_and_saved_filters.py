"""decisions taken back, filters that admins keep, an index of the few payments to look at"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "decision_reversals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column(
            "reversed_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.Column("reversed_by", sa.Integer(), nullable=True),
        sa.Column("reversed_by_name", sa.String(length=120), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_decision_reversals_decision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_reversals")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_decision_reversals_decision_id")),
        sa.UniqueConstraint("request_id", name=op.f("uq_decision_reversals_request_id")),
        sqlite_autoincrement=True,
    )
    _keep_for_good()
    _index_few_payments()
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column(
            "created_at", UtcDateTime(), server_default=sa.func.current_timestamp(), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint(
            "user_id", "page", "name", name=op.f("uq_saved_filters_user_id_page_name")
        ),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_index("ix_payments_attention", "payments")
    op.create_index("ix_payments_attention", "payments", ["attention"])
    op.drop_table("saved_filters")
    op.drop_table("decision_reversals")
    if op.get_bind().dialect.name == "postgresql":
        for name in _POSTGRESQL_TRIGGERS:
            op.execute(f"DROP FUNCTION {name}()")


def _index_few_payments() -> None:
    """Count what needs a look without reading the many payments that do not."""
    few = sa.text("status IN ('disputed', 'needs_review', 'undeliverable') OR attention > ''")
    op.drop_index("ix_payments_attention", "payments")
    op.create_index(
        "ix_payments_attention", "payments", ["id"], sqlite_where=few, postgresql_where=few
    )


_SQLITE_TRIGGERS = {
    "decision_reversals_refuse_update": "UPDATE",
    "decision_reversals_refuse_delete": "DELETE",
}
_POSTGRESQL_TRIGGERS = {
    "decision_reversals_refuse_change": ("UPDATE OR DELETE", "ROW"),
    "decision_reversals_refuse_truncate": ("TRUNCATE", "STATEMENT"),
}


def _keep_for_good() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, event in _SQLITE_TRIGGERS.items():
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON decision_reversals "
                "BEGIN SELECT RAISE(ABORT, 'this record is kept for good'); END"
            )
        return
    for name, (event, each) in _POSTGRESQL_TRIGGERS.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'this record is kept for good' USING ERRCODE = '23514'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON decision_reversals "
            f"FOR EACH {each} EXECUTE FUNCTION {name}()"
        )
