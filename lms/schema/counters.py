"""Counters of ids: none may give a number that a row, the audit trail or a payment has named.

Logical replication and copies of single tables leave them at their start. On PostgreSQL the next
row would then be refused; on SQLite it would take the number of one that has been deleted.
"""

from collections.abc import Iterator
from functools import cache, lru_cache

from sqlalchemy import Connection

from lms.db import Base

_NAMED = {
    "users": (
        *(("audit_entries", column) for column in ("student_id", "actor_id")),
        *(("decisions", "student_id"), ("payments", "user_id"), ("certificates", "user_id")),
        ("erasures", "person_id"),
    ),
    "courses": tuple(
        (table, "course_id") for table in ("audit_entries", "decisions", "payments", "certificates")
    ),
    "access_requests": (("decisions", "request_id"), ("decision_reversals", "request_id")),
    "decisions": (("decision_reversals", "decision_id"), ("offers", "decision_id")),
    "payments": (("money_movements", "payment_id"), ("stripe_sessions", "payment_id")),
}
"""Columns with the ids of rows that may be gone; each stands first in an index."""
_DETAILS = {
    "access_requests": ("request.made", "request_id", None),
    "chapters": ("chapter.added", "chapter_id", None),
    "decisions": ("access.granted", "reference", "approval"),
    "payments": ("access.granted", "reference", "payment"),
}
"""What entries of the trail name in their details; under `source`, if that is given."""
_LATEST = 200
"""Ids rise with the trail, so that its latest entries name the highest: no need to read it all."""
_EXTRACT = {
    "sqlite": "json_extract(details, '$.{}')",
    "postgresql": "(details ->> '{}')",
}


_OF_IDS = """
    SELECT t.relname FROM pg_class t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'id'
    LEFT JOIN pg_attrdef f ON f.adrelid = t.oid AND f.adnum = a.attnum
    LEFT JOIN pg_class s ON s.relkind = 'S' AND s.relnamespace = t.relnamespace
        AND s.relname = t.relname || '_id_seq'
    WHERE t.relnamespace = to_regnamespace(current_schema()) AND t.relkind = 'r'
    AND NOT coalesce(
        strpos(pg_get_expr(f.adbin, f.adrelid), s.relname || '''') > 0
        AND EXISTS (
            SELECT 1 FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype = 'a'
            AND d.refobjid = t.oid AND d.refobjsubid = a.attnum
        ), false)"""
"""Tables whose ids do not come from a sequence of their own."""


def lost(connection: Connection) -> list[str]:
    """Return the tables whose ids have no counter, or one that may give an id again."""
    return sorted({*without(connection), *_wanted(connection)})


def without(connection: Connection) -> list[str]:
    """Return the tables whose ids have no counter; SQLite tells by how a table is defined."""
    if connection.dialect.name == "sqlite":
        return []
    found = set(connection.exec_driver_sql(_OF_IDS).scalars())
    return [table for table in counted_tables() if table in found]


def called(table: str) -> str:
    """Return what people read for the counter of a table."""
    return f"the id counter of {table}"


def lift(connection: Connection) -> list[str]:
    """Lift each counter above all ids that were ever given; return the tables that needed it."""
    wanted = _wanted(connection)
    for table, highest in wanted.items():
        set_last_id(connection, table, highest)
    return list(wanted)


def last_ids(connection: Connection) -> dict[str, int]:
    """Return the last id that each table has given, even to a row that is gone."""
    dialect, existing = connection.dialect.name, _existing(connection)
    statement = " UNION ALL ".join(
        f"SELECT '{table}' AS name, {_counter(dialect, table)} AS last"
        for table in _counting(dialect, existing)
    )
    rows = connection.exec_driver_sql(statement) if statement else ()
    return {row.name: row.last for row in rows}


def set_last_id(connection: Connection, table: str, last: int) -> None:
    """Let a table give the ids after this one; 0 if it has given none."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))
    else:
        moved = f"SELECT setval('{sequence_of(table)}', greatest(%(last)s, 1), %(last)s > 0)"
        connection.exec_driver_sql(moved, {"last": last})


@cache
def counted_tables() -> tuple[str, ...]:
    """Return the tables whose ids a counter gives."""
    return tuple(
        table.name
        for table in Base.metadata.sorted_tables
        if table.autoincrement_column is not None and table.autoincrement_column.name == "id"
    )


def sequence_of(table: str) -> str:
    """Return the name of a table's counter on PostgreSQL."""
    return f"{table}_id_seq"


def _wanted(connection: Connection) -> dict[str, int]:
    """Return the highest id ever given by each table whose counter is behind it."""
    statement = _statement(connection.dialect.name, _existing(connection))
    if not statement:
        return {}
    rows = connection.exec_driver_sql(statement)
    return {row.name: row.highest for row in rows if row.highest > row.counter}


def _existing(connection: Connection) -> frozenset[str]:
    """Return the names of the tables and counters that are there."""
    if connection.dialect.name == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        names = (
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S')"
            " AND relnamespace = (SELECT to_regnamespace(current_schema()))"
        )
    return frozenset(connection.exec_driver_sql(names).scalars())


@lru_cache(maxsize=8)
def _statement(dialect: str, existing: frozenset[str]) -> str:
    return " UNION ALL ".join(
        f"SELECT '{table}' AS name, {_counter(dialect, table)} AS counter,"
        f" {_highest(dialect, table, existing)} AS highest"
        for table in _counting(dialect, existing)
        if not Base.metadata.tables[table].info.get("is_one_row")  # whose id no counter gave
    )


def _counting(dialect: str, existing: frozenset[str]) -> list[str]:
    """Return the tables that are there with their counters."""
    tables = sorted(counted_tables())
    return [each for each in tables if existing >= {each, _counter_of(dialect, each)}]


def _counter_of(dialect: str, table: str) -> str:
    """Return where a table's counter is: SQLite keeps all of them in one table."""
    return "sqlite_sequence" if dialect == "sqlite" else sequence_of(table)


def _counter(dialect: str, table: str) -> str:
    if dialect == "sqlite":
        return f"(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}')"  # noqa: S608 - our own
    last = "last_value - CASE WHEN is_called THEN 0 ELSE 1 END"
    return f"(SELECT {last} FROM {sequence_of(table)})"  # noqa: S608 - our own names


def _highest(dialect: str, table: str, existing: frozenset[str]) -> str:
    greatest = "max" if dialect == "sqlite" else "greatest"
    maxima = (f"coalesce({each}, 0)" for each in _maxima(dialect, table, existing))
    return f"{greatest}(0, {', '.join(maxima)})"


def _maxima(dialect: str, table: str, existing: frozenset[str]) -> Iterator[str]:
    """Return the SQL of the highest ids in each place that is there and has some."""
    for place, column in ((table, "id"), *_NAMED.get(table, ())):
        if place in existing:
            yield f"CAST((SELECT max({column}) FROM {place}) AS bigint)"  # noqa: S608 - our own
    if table in _DETAILS and "audit_entries" in existing:
        action, key, source = _DETAILS[table]
        extract = _EXTRACT[dialect].format
        of_source = f" WHERE {extract('source')} = '{source}'" if source else ""
        latest = (
            f"SELECT details FROM audit_entries WHERE action = '{action}'"  # noqa: S608 - our own
            f" ORDER BY id DESC LIMIT {_LATEST}"
        )
        number = f"max(CAST({extract(key)} AS bigint))"
        yield f"(SELECT {number} FROM ({latest}) latest{of_source})"  # noqa: S608 - our own names
