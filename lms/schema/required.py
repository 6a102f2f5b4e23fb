"""Whether the database enforces what the code relies on."""

from functools import cache, lru_cache

from sqlalchemy import CheckConstraint, Constraint, ForeignKeyConstraint, UniqueConstraint

from lms.db import Base, db
from lms.models.columns import numbers
from lms.refusals import Refusal
from lms.schema import counters
from lms.schema.defaults import default_called, with_default

_NAMED = 5
_TYPED = {
    f"{table.name}_refuse_wrong_type_{event}"
    for table in Base.metadata.tables.values()
    if numbers(table)
    for event in ("insert", "update")
}
"""What PostgreSQL does by its types, SQLite does by triggers."""
_IN_EFFECT = {
    "sqlite": """
        SELECT group_concat(word, ' ') FROM (
            SELECT name || ' ' || coalesce(sql, '') AS word FROM sqlite_master
        UNION ALL
            SELECT name || '.id' FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINC%'
        UNION ALL
            SELECT t.name || '.' || c.name FROM sqlite_master t
            JOIN pragma_table_info(t.name) c ON c.dflt_value IS NOT NULL WHERE t.type = 'table'
        )""",
    "postgresql": """
        WITH tables AS (
            SELECT oid, relname FROM pg_class
            WHERE relnamespace = (SELECT to_regnamespace(current_schema())) AND relkind = 'r'
        ), off AS (
            SELECT tgconstraint FROM pg_trigger WHERE tgenabled NOT IN ('O', 'A')
        )
        SELECT string_agg(word, ' ') FROM (
            SELECT c.conname::text AS word FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid
            WHERE c.convalidated AND c.oid NOT IN (SELECT tgconstraint FROM off)
        UNION ALL
            SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            JOIN tables t ON t.oid = x.indrelid WHERE x.indisvalid
        UNION ALL
            SELECT g.tgname FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid
            JOIN pg_proc p ON p.oid = g.tgfoid
            WHERE g.tgenabled IN ('O', 'A')
            AND 'search_path=' || quote_ident(current_schema()) || ', pg_temp' = ANY (p.proconfig)
        UNION ALL
            SELECT t.relname || '.' || a.attname FROM pg_attribute a
            JOIN tables t ON t.oid = a.attrelid WHERE a.atthasdef
        ) found""",
}
"""What is there and in effect.

A key may not be validated, or have its triggers switched off; a trigger's function may look for
its tables elsewhere.
"""
_COUNTING = {
    f"{table}_count_{event}"
    for table, events in {
        "access_requests": ("insert", "update", "delete"),
        "decision_reversals": ("insert",),
        "decisions": ("insert",),
        "enrollments": ("insert", "update", "delete"),
        "payments": ("insert", "update", "delete"),
        "student_progress": ("insert", "update", "delete"),
        "users": ("insert", "update", "delete"),
    }.items()
    for event in events
} | {f"payments_parts_{event}" for event in ("insert", "update", "delete")}
TRIGGERS = {
    "sqlite": frozenset(
        {
            "access_requests_refuse_pending_insert",
            "access_requests_refuse_pending_update",
            "audit_entries_refuse_delete",
            "audit_entries_refuse_update",
            "closed_months_refuse_delete",
            "closed_months_refuse_update",
            "courses_respect_capacity",
            "decision_reversals_refuse_delete",
            "decision_reversals_refuse_update",
            "decisions_refuse_delete",
            "decisions_refuse_update",
            "enrollments_respect_capacity_insert",
            "enrollments_respect_capacity_update",
            "enrollments_supersede_insert",
            "enrollments_supersede_update",
            "money_movements_refuse_closed",
            "money_movements_refuse_delete",
            "money_movements_refuse_update",
            "offers_refuse_enrolled_insert",
            "offers_refuse_enrolled_update",
            "offers_respect_seats_insert",
            "offers_respect_seats_update",
            "outbox_emails_refuse_past",
            "users_forget_words",
        }
        | _TYPED
        | _COUNTING
    ),
    "postgresql": frozenset(
        {
            "access_requests_refuse_pending",
            "audit_entries_refuse_change",
            "audit_entries_refuse_truncate",
            "closed_months_refuse_change",
            "closed_months_refuse_truncate",
            "closed_months_wait",
            "courses_respect_capacity",
            "decision_reversals_refuse_change",
            "decision_reversals_refuse_truncate",
            "decisions_refuse_change",
            "decisions_refuse_truncate",
            "enrollments_respect_capacity",
            "enrollments_supersede",
            "money_movements_refuse_change",
            "money_movements_refuse_closed",
            "money_movements_refuse_truncate",
            "offers_respect_seats",
            "outbox_emails_refuse_past",
            "users_forget_words",
        }
        | _COUNTING
    ),
}


class SchemaIncomplete(Refusal):
    """The database lacks what forbids wrong rows: it would accept what must never be."""


def check() -> None:
    """Raise SchemaIncomplete unless all that refuses or fills in is there, and in effect."""
    if lost := missing():
        named = ", ".join(lost[:_NAMED]) + (", ..." if len(lost) > _NAMED else "")
        raise SchemaIncomplete(
            f"The database lacks {named}. Run `flask db repair-constraints`: it restores the "
            "missing constraints once sync has repaired the rows that violate them."
        )


def missing() -> list[str]:
    """Return the names of what the database should enforce, or fill in, and does not."""
    connection = db.session.connection()
    dialect = connection.dialect.name
    words = connection.exec_driver_sql(_IN_EFFECT[dialect]).scalar() or ""
    lost = set(_missing(dialect, words)) | set(map(counters.called, counters.lost(connection)))
    return sorted(lost)


@lru_cache(maxsize=8)
def _missing(dialect: str, described: str) -> tuple[str, ...]:
    """Return what a description of the whole schema doesn't name: it says all that there is."""
    found = {word.strip('"') for word in described.split()}
    lost = (_constraints() | TRIGGERS[dialect]) - found
    lost |= {default_called(str(each)) for each in with_default() if str(each) not in found}
    if dialect == "sqlite":  # whose counters are part of the tables
        ids = {f"{table}.id": table for table in counters.counted_tables()}
        lost |= {counters.called(table) for name, table in ids.items() if name not in found}
    return tuple(lost)


@cache
def _constraints() -> frozenset[str]:
    """Return what the models name; that migrations make the same, a test sees to."""
    kinds = (CheckConstraint, ForeignKeyConstraint, UniqueConstraint)
    names: set[str] = set()
    for model in db.metadata.tables.values():
        names |= {_name(rule) for rule in model.constraints if isinstance(rule, kinds)}
        names |= {str(index.name) for index in model.indexes if index.unique}
    return frozenset(names)


def _name(constraint: Constraint) -> str:
    dialect = db.engine.dialect
    return dialect.identifier_preparer.format_constraint(constraint) or ""
