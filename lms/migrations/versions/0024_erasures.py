"""people who want to be forgotten, and records that lose whoever is, and change in no other way"""

import sqlalchemy as sa
from alembic import op

from lms.db import UtcDateTime
from lms.migrations.typed import refuse_wrong_types

revision = "0024"
down_revision = "0022"

_NUMBERS = {"erasure_requests": ("user_id",), "erasures": ("person_id", "erased_by")}

# Of each record that is kept for good: what must stay as it is, which names become the pseudonym
# of whose id, what is emptied with whom, and which texts may come to name an erased person.
_KEPT = {
    "audit_entries": (
        ("id", "at", "action", "actor_id", "student_id", "course_id", "course_title"),
        {"actor_name": "actor_id", "student_name": "student_id"},
        {},
        ("reason", "details"),
    ),
    "decisions": (
        (
            *("id", "request_id", "student_id", "course_id", "course_title", "status"),
            *("requested_at", "decided_at", "decided_by"),
        ),
        {
            "student_name": "student_id",
            "student_email": "student_id",
            "decided_by_name": "decided_by",
        },
        {"message": "student_id"},
        ("reason",),
    ),
    "decision_reversals": (
        ("id", "decision_id", "request_id", "reversed_at", "reversed_by"),
        {"reversed_by_name": "reversed_by"},
        {},
        (),
    ),
}
_REFUSAL = "this record is kept for good"


def upgrade() -> None:
    now = sa.func.current_timestamp()
    op.create_table(
        "erasure_requests",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_erasure_requests_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erasure_requests")),
    )
    waiting = sa.text("refused_at IS NULL")
    op.create_index(
        "ix_erasure_requests_waiting",
        "erasure_requests",
        ["created_at", "user_id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "erasures",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("erased_at", UtcDateTime(), server_default=now, nullable=False),
        sa.Column("erased_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_erasures")),
    )
    for table, numbers in _NUMBERS.items():
        refuse_wrong_types(table, *numbers)
    if op.get_bind().dialect.name == "sqlite":
        for table in _KEPT:
            _refuse_on_sqlite(table, f"WHEN NOT ({_is_erasing(table)})")
    else:
        for table in _KEPT:
            allowed = f"IF TG_OP = 'UPDATE' AND ({_is_erasing(table)}) THEN RETURN NEW; END IF;"
            _refuse_on_postgresql(table, allowed)


def downgrade() -> None:
    for table in _KEPT:
        if op.get_bind().dialect.name == "sqlite":
            _refuse_on_sqlite(table, "")
        else:
            _refuse_on_postgresql(table, "")
    op.drop_table("erasures")
    op.drop_table("erasure_requests")


def _refuse_on_sqlite(table: str, unless: str) -> None:
    op.execute(f"DROP TRIGGER {table}_refuse_update")
    op.execute(
        f"CREATE TRIGGER {table}_refuse_update BEFORE UPDATE ON {table} {unless} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )


def _refuse_on_postgresql(table: str, allowed: str) -> None:
    # TRUNCATE has a trigger of its own, which calls a function of its own.
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {allowed} RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = '23514'; END $$"
    )


def _is_erasing(table: str) -> str:
    """Return the SQL for whether an update takes an erased person out of a row, and no more."""
    fixed, names, emptied, texts = _KEPT[table]
    rules = [_is_same(column) for column in fixed]
    for column, person in names.items():
        rules.append(_or_erased(column, person, f"'Erased person ' || OLD.{person}"))
    for column, person in emptied.items():
        rules.append(_or_erased(column, person, "''"))
    for column in texts:
        position = {"sqlite": "instr", "postgresql": "strpos"}[op.get_bind().dialect.name]
        named = f"{position}({_text('NEW', column)}, 'Erased person ' || e.person_id) > 0"
        rules.append(f"({_is_same(column)} OR EXISTS (SELECT 1 FROM erasures e WHERE {named}))")
    return " AND ".join(rules)


def _or_erased(column: str, person: str, value: str) -> str:
    is_erased = f"EXISTS (SELECT 1 FROM erasures e WHERE e.person_id = OLD.{person})"
    return f"({_is_same(column)} OR (NEW.{column} = {value} AND {is_erased}))"


def _is_same(column: str) -> str:
    same = {"sqlite": "IS", "postgresql": "IS NOT DISTINCT FROM"}[op.get_bind().dialect.name]
    return f"{_text('NEW', column)} {same} {_text('OLD', column)}"


def _text(row: str, column: str) -> str:
    # PostgreSQL compares no JSON.
    as_text = "::text" if op.get_bind().dialect.name == "postgresql" else ""
    return f"{row}.{column}{as_text}"
