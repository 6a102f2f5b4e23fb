"""PostgreSQL shows how each constraint, index and trigger is defined: what differs is recreated."""

import re
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from lms.db import writer
from lms.schema.derived import forget
from lms.schema.reference import postgresql_reference

_LOCK = 7233002
"""Two that put back at once would each find the same missing."""

_DEFINITIONS = """
    SELECT 0 AS rank, a.attname AS name, t.relname AS "table", 'NOT NULL' AS definition
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND t.relkind = 'r'
    AND a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
    SELECT 1, p.proname, NULL, pg_get_functiondef(p.oid)
    FROM pg_proc p WHERE p.pronamespace = %(space)s::regnamespace AND p.prokind = 'f'
UNION ALL
    SELECT CASE con.contype WHEN 'p' THEN 2 WHEN 'u' THEN 2 WHEN 'c' THEN 3 ELSE 4 END,
        con.conname, t.relname, pg_get_constraintdef(con.oid, true)
    FROM pg_constraint con JOIN pg_class t ON t.oid = con.conrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND con.contype IN ('p', 'u', 'c', 'f')
UNION ALL
    SELECT 5, i.relname, t.relname, pg_get_indexdef(i.oid, 0, true)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = %(space)s::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_constraint con WHERE con.conindid = i.oid)
UNION ALL
    SELECT 6, tg.tgname, t.relname,
        pg_get_triggerdef(tg.oid, true)
        || CASE tg.tgenabled WHEN 'O' THEN '' ELSE ' -- switched off' END
    FROM pg_trigger tg JOIN pg_class t ON t.oid = tg.tgrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND NOT tg.tgisinternal
ORDER BY 1, 3, 2"""
"""In the order in which they can be made: keys before what refers to them."""
_CASTS = re.compile(r"::(character varying|text)(\[\])?|[()\s]")
_COLUMN, _FUNCTION, _INDEX, _TRIGGER = 0, 1, 5, 6


@dataclass(frozen=True)
class _Rule:
    """One column that must be filled, function, constraint, index or trigger."""

    rank: int
    name: str
    table: str | None
    definition: str = field(compare=False)
    meaning: str = field(init=False)
    """What is compared: once restored, a rule is printed with other casts and brackets."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "meaning", _CASTS.sub("", self.definition))

    def drop(self) -> str:
        if self.rank == _INDEX:
            return f'DROP INDEX "{self.name}"'
        if self.rank == _TRIGGER:
            return f'DROP TRIGGER "{self.name}" ON "{self.table}"'
        return f'ALTER TABLE "{self.table}" DROP CONSTRAINT "{self.name}" CASCADE'

    def create(self) -> str:
        if self.rank == _COLUMN:
            change = f'ALTER TABLE "{self.table}" ALTER COLUMN "{self.name}" SET NOT NULL'
            filled = f'UPDATE "{self.table}" SET "{self.name}" = DEFAULT'  # noqa: S608 - our own
            return f'{filled} WHERE "{self.name}" IS NULL; {change}'
        if self.rank in {_FUNCTION, _INDEX, _TRIGGER}:
            return self.definition
        return f'ALTER TABLE "{self.table}" ADD CONSTRAINT "{self.name}" {self.definition}'


def restore(engine: Engine) -> list[str]:
    """Restore all functions, constraints, indexes and triggers to what the migrations create."""
    with postgresql_reference(engine) as name, writer(engine).begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        here = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
        expected = _rules(connection, name)
        _make_room(connection, expected, here)
        # Dropping a key took what refers to it along: look again.
        present = set(_rules(connection, here))
        lost = [rule for rule in expected if rule not in present]
        for rule in lost:
            connection.exec_driver_sql(rule.create().replace("%", "%%"))
        names = [rule.name for rule in lost]
        forget(connection, names)
        return names


def _make_room(connection: Connection, expected: list[_Rule], here: str) -> None:
    """Drop what has a name of ours and is not ours; functions are replaced as they are."""
    ours = {(rule.rank, rule.table, rule.name): rule for rule in expected}
    for rule in _rules(connection, here):
        wanted = ours.get((rule.rank, rule.table, rule.name))
        if rule.rank not in {_COLUMN, _FUNCTION} and wanted not in {None, rule}:
            connection.exec_driver_sql(rule.drop())


def _rules(connection: Connection, schema: str) -> list[_Rule]:
    """Return all that a schema enforces, without its name."""
    connection.exec_driver_sql(f'SET LOCAL search_path TO "{schema}"')
    rows = connection.exec_driver_sql(_DEFINITIONS, {"space": schema}).all()
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    return [
        _Rule(row.rank, row.name, row.table, row.definition.replace(f"{schema}.", ""))
        for row in rows
    ]
