"""PostgreSQL shows how each constraint, index and trigger is defined: what differs is recreated."""

import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Engine
from sqlalchemy.schema import CreateColumn

from lms.db import writer
from lms.schema import counters
from lms.schema.defaults import default_called, with_default
from lms.schema.derived import forget
from lms.schema.reference import postgresql_reference

_LOCK = 7233002
"""Two that put back at once would each find the same missing."""

_DEFINITIONS = """
    SELECT 0 AS rank, a.attname AS name, t.relname AS "table",
        pg_get_expr(d.adbin, d.adrelid) AS definition
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE t.relnamespace = %(space)s::regnamespace AND t.relkind = 'r' AND NOT a.attisdropped
UNION ALL
    SELECT 1, a.attname, t.relname, 'NOT NULL'
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND t.relkind = 'r'
    AND a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
    SELECT 2, p.proname, NULL, pg_get_functiondef(p.oid)
    FROM pg_proc p WHERE p.pronamespace = %(space)s::regnamespace AND p.prokind = 'f'
UNION ALL
    SELECT CASE con.contype WHEN 'p' THEN 3 WHEN 'u' THEN 3 WHEN 'c' THEN 4 ELSE 5 END,
        con.conname, t.relname,
        pg_get_constraintdef(con.oid, true)
        || CASE WHEN EXISTS (
            SELECT 1 FROM pg_trigger tg
            WHERE tg.tgconstraint = con.oid AND tg.tgenabled NOT IN ('O', 'A')
        ) THEN ' -- switched off' ELSE '' END
    FROM pg_constraint con JOIN pg_class t ON t.oid = con.conrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND con.contype IN ('p', 'u', 'c', 'f')
UNION ALL
    SELECT 6, i.relname, t.relname,
        pg_get_indexdef(i.oid, 0, true) || CASE WHEN x.indisvalid THEN '' ELSE ' -- invalid' END
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = %(space)s::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_constraint con WHERE con.conindid = i.oid)
UNION ALL
    SELECT 7, tg.tgname, t.relname,
        pg_get_triggerdef(tg.oid, true)
        || CASE WHEN tg.tgenabled IN ('O', 'A') THEN '' ELSE ' -- switched off' END
    FROM pg_trigger tg JOIN pg_class t ON t.oid = tg.tgrelid
    WHERE t.relnamespace = %(space)s::regnamespace AND NOT tg.tgisinternal
ORDER BY 1, 3, 2"""
"""In the order in which they can be made: keys before what refers to them.

Whoever may not switch a key's triggers on again, since they are the system's, makes the key anew:
that also looks at the rows that came in meanwhile.
"""
_DEFAULTS = """
    SELECT t.relname AS "table", a.attname AS name FROM pg_attribute a
    JOIN pg_class t ON t.oid = a.attrelid
    WHERE t.relnamespace = to_regnamespace(current_schema()) AND a.atthasdef"""
_CASTS = re.compile(r"::(character varying|text)(\[\])?|[()\s]")
_OWN_PATH = "SET search_path TO '{}'"
_DEFAULT, _COLUMN, _FUNCTION, _INDEX, _TRIGGER = 0, 1, 2, 6, 7


@dataclass(frozen=True)
class _Rule:
    """One default, column that must be filled, function, constraint, index or trigger."""

    rank: int
    name: str
    table: str | None
    definition: str = field(compare=False)
    meaning: str = field(init=False)
    """What is compared: once restored, a rule is printed with other casts and brackets."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "meaning", _CASTS.sub("", self.definition))

    @property
    def called(self) -> str:
        """What people read."""
        is_default = self.rank == _DEFAULT
        return default_called(f"{self.table}.{self.name}") if is_default else self.name

    def drop(self) -> str:
        if self.rank == _DEFAULT:
            return f'ALTER TABLE "{self.table}" ALTER COLUMN "{self.name}" DROP DEFAULT'
        if self.rank == _INDEX:
            return f'DROP INDEX "{self.name}"'
        if self.rank == _TRIGGER:
            return f'DROP TRIGGER "{self.name}" ON "{self.table}"'
        return f'ALTER TABLE "{self.table}" DROP CONSTRAINT "{self.name}" CASCADE'

    def create(self) -> str:
        if self.rank == _DEFAULT:
            column = f'ALTER TABLE "{self.table}" ALTER COLUMN "{self.name}"'
            return f"{column} SET DEFAULT {self.definition}"
        if self.rank == _COLUMN:
            change = f'ALTER TABLE "{self.table}" ALTER COLUMN "{self.name}" SET NOT NULL'
            filled = f'UPDATE "{self.table}" SET "{self.name}" = DEFAULT'  # noqa: S608 - our own
            return f'{filled} WHERE "{self.name}" IS NULL; {change}'
        if self.rank in {_FUNCTION, _INDEX, _TRIGGER}:
            return self.definition
        return f'ALTER TABLE "{self.table}" ADD CONSTRAINT "{self.name}" {self.definition}'


def restore(engine: Engine) -> list[str]:
    """Restore all that a schema enforces to what the migrations create, counters of ids first."""
    expected = _expected(engine)
    with writer(engine).begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        here = _here(connection)
        names = _restore_counters(connection)
        _make_room(connection, expected, here)
        # Dropping a key took what refers to it along: look again.
        present = set(_rules(connection, here))
        lost = [rule for rule in expected if rule not in present]
        path = _OWN_PATH.format(here.replace("'", "''"))
        for rule in lost:
            create = rule.create().replace(_OWN_PATH.format(""), path)
            connection.exec_driver_sql(create.replace("%", "%%"))
        names += [rule.called for rule in lost]
        forget(connection, names)
        return names


def _expected(engine: Engine) -> list[_Rule]:
    """Return all that the migrations create, as this version of the server prints it."""
    with engine.connect() as connection:
        version = connection.dialect.server_version_info
    if version not in _known:
        with postgresql_reference(engine) as name, engine.connect() as connection:
            _known[version] = _rules(connection, name)
    return _known[version]


_known: dict[tuple[int | str, ...] | None, list[_Rule]] = {}


def restore_ids(engine: Engine) -> list[str]:
    """Let all tables give ids, none of them twice, and fill in what they have lost a default for.

    Nothing could be written down of a repair without: neither its run nor what it changes.
    """
    with engine.connect() as connection:
        if not (_lost_defaults(connection) or counters.lost(connection)):
            return []
    with writer(engine).begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        restored = _restore_counters(connection)
        for column in _lost_defaults(connection):
            create = CreateColumn(column).compile(dialect=connection.dialect)
            default = str(create).partition(" DEFAULT ")[2].removesuffix(" NOT NULL")
            change = f'ALTER TABLE "{column.table.name}" ALTER COLUMN "{column.name}" SET DEFAULT'
            connection.exec_driver_sql(f"{change} {default}".replace("%", "%%"))
            restored.append(default_called(str(column)))
        return restored


def _restore_counters(connection: Connection) -> list[str]:
    """Let each table have the counter of its ids, above all that were ever given."""
    without = counters.without(connection)
    for table in without:
        sequence, column = counters.sequence_of(table), f'ALTER TABLE "{table}" ALTER COLUMN id'
        for change in (
            f"{column} DROP IDENTITY IF EXISTS",
            f"CREATE SEQUENCE IF NOT EXISTS {sequence} AS integer",
            f"ALTER SEQUENCE {sequence} OWNED BY {table}.id",
            f"{column} SET DEFAULT nextval('{sequence}')",
        ):
            connection.exec_driver_sql(change)
    lifted = counters.lift(connection)
    return [counters.called(table) for table in sorted({*without, *lifted})]


def _lost_defaults(connection: Connection) -> list[Column[Any]]:
    """Return the columns without the default that the models give them."""
    present = {f"{row.table}.{row.name}" for row in connection.exec_driver_sql(_DEFAULTS)}
    return [column for column in with_default() if str(column) not in present]


def _here(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT current_schema()").scalar())


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
    own = _OWN_PATH.format(schema)
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    return [
        _Rule(
            *(row.rank, row.name, row.table),
            row.definition.replace(f"{schema}.", "").replace(own, _OWN_PATH.format("")),
        )
        for row in rows
    ]
