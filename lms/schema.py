"""Whether the database enforces what the code relies on."""

from sqlalchemy import ColumnClause, column, inspect, select, table

from lms.db import db
from lms.refusals import Refusal

MIRROR_KEYS = {
    "enrollments": "fk_enrollments_mirror",
    "student_progress": "fk_student_progress_mirror",
}
TRIGGERS = {
    "sqlite": frozenset(
        {
            "access_requests_refuse_pending_insert",
            "access_requests_refuse_pending_update",
            "audit_entries_refuse_delete",
            "audit_entries_refuse_update",
            "courses_respect_capacity",
            "decision_reversals_refuse_delete",
            "decision_reversals_refuse_update",
            "decisions_refuse_delete",
            "decisions_refuse_update",
            "enrollments_respect_capacity_insert",
            "enrollments_respect_capacity_update",
            "enrollments_supersede_insert",
            "enrollments_supersede_update",
        }
    ),
    "postgresql": frozenset(
        {
            "access_requests_refuse_pending",
            "audit_entries_refuse_change",
            "audit_entries_refuse_truncate",
            "courses_respect_capacity",
            "decision_reversals_refuse_change",
            "decision_reversals_refuse_truncate",
            "decisions_refuse_change",
            "decisions_refuse_truncate",
            "enrollments_respect_capacity",
            "enrollments_supersede",
        }
    ),
}


class SchemaIncomplete(Refusal):
    """The database lacks what forbids wrong rows: it would accept what must never be."""


def check() -> None:
    """Raise SchemaIncomplete unless the mirror keys and the triggers are there.

    A dump restored in parts may lack them without a word.
    """
    missing = sorted([*_missing_keys(), *_missing_triggers()])
    if missing:
        raise SchemaIncomplete(
            f"The database lacks {', '.join(missing)}: restore it whole from a backup, "
            "or move its rows into a database made by `flask db upgrade`."
        )


def _missing_keys() -> list[str]:
    inspector = inspect(db.engine)
    return [
        key
        for name, key in MIRROR_KEYS.items()
        if key not in {found["name"] for found in inspector.get_foreign_keys(name)}
    ]


def _missing_triggers() -> frozenset[str]:
    dialect = db.engine.dialect.name
    name: ColumnClause[str]
    if dialect == "sqlite":
        name = column("name")
        statement = (
            select(name).select_from(table("sqlite_master")).where(column("type") == "trigger")
        )
    else:
        name = column("tgname")
        statement = select(name).select_from(table("pg_trigger")).where(column("tgenabled") != "D")
    return TRIGGERS[dialect] - set(db.session.scalars(statement))
