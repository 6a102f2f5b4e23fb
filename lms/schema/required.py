"""Whether the database enforces what the code relies on."""

from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnClause,
    ColumnElement,
    Constraint,
    ForeignKeyConstraint,
    Select,
    String,
    Text,
    UniqueConstraint,
    cast,
    column,
    func,
    literal,
    select,
    table,
    union_all,
)

from lms.db import Base, db
from lms.models.columns import numbers
from lms.refusals import Refusal

_NAMED = 5
_SPACE = literal(" ")
_TYPED = {
    f"{table.name}_refuse_wrong_type_{event}"
    for table in Base.metadata.tables.values()
    if numbers(table)
    for event in ("insert", "update")
}
"""What PostgreSQL does by its types, SQLite does by triggers."""
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
    """Raise SchemaIncomplete unless all constraints, unique indexes and triggers are there."""
    if lost := missing():
        named = ", ".join(lost[:_NAMED]) + (", ..." if len(lost) > _NAMED else "")
        raise SchemaIncomplete(
            f"The database lacks {named}. Run `flask db repair-constraints`: it restores the "
            "missing constraints once sync has repaired the rows that violate them."
        )


def missing() -> list[str]:
    """Return the names of what should forbid wrong rows and is not there."""
    dialect = db.engine.dialect.name
    words = _in_sqlite() if dialect == "sqlite" else _in_postgresql()
    return list(_missing(dialect, db.session.connection().execute(words).scalar() or ""))


@lru_cache(maxsize=8)
def _missing(dialect: str, described: str) -> tuple[str, ...]:
    """Return what a description of the whole schema doesn't name: it says all that there is."""
    found = {word.strip('"') for word in described.split()}
    return tuple(sorted((_constraints() | TRIGGERS[dialect]) - found))


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


@cache
def _in_sqlite() -> Select[str]:
    name, sql = _columns("name", "sql")
    definition = name + _SPACE + func.coalesce(sql, "")
    return select(func.group_concat(definition, _SPACE)).select_from(table("sqlite_master"))


@cache
def _in_postgresql() -> Select[str]:
    """Return what is there and in effect: a key may not be validated, a trigger switched off."""
    constraint, index, trigger = _columns("conname", "relname", "tgname")
    # As a subquery it is asked once, not for each row of the catalog.
    space = select(func.to_regnamespace(func.current_schema())).scalar_subquery()
    tables: Select[Any] = (
        select(column("oid")).select_from(table("pg_class")).where(_is("relnamespace", space))
    )
    found = union_all(
        select(constraint.label("name"))
        .select_from(table("pg_constraint"))
        .where(_is("connamespace", space), column("convalidated")),
        select(index)
        .select_from(table("pg_class"))
        .where(_is("relnamespace", space), column("relkind") == "i"),
        select(trigger)
        .select_from(table("pg_trigger"))
        .where(column("tgrelid").in_(tables), column("tgenabled") != "D"),
    ).subquery()
    return select(func.string_agg(cast(found.c.name, Text), _SPACE))


def _is(name: str, value: object) -> ColumnElement[bool]:
    return column(name) == value


def _columns(*names: str) -> list[ColumnClause[str]]:
    return [column(name, String) for name in names]
