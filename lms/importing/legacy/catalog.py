"""Which tables and columns an old database has, with their types as they were declared."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import (
    Connection,
    Select,
    TableClause,
    column,
    func,
    not_,
    select,
    table,
)

_HIDDEN = "information_schema"


@dataclass(frozen=True)
class Found:
    """A table of the old database."""

    name: str
    columns: dict[str, str]
    """The declared type of each."""
    schema: str | None = None
    is_at_hand: bool = True
    """Whether it can be named without its schema."""

    @cached_property
    def clause(self) -> TableClause:
        """The table in a statement."""
        return table(self.name, *map(column, self.columns), schema=self.schema)

    def count(self, connection: Connection) -> int:
        """Return how many rows it has."""
        return connection.scalar(select(func.count()).select_from(self.clause)) or 0


def tables(connection: Connection) -> list[Found]:
    """Return all tables that can be read, by name."""
    found: dict[tuple[str | None, str], Found] = {}
    if connection.dialect.name == "sqlite":
        for name, held, declared in connection.execute(_sqlite()):
            _add(found, Found(name, {}), held, declared)
    else:
        for schema, name, held, declared, is_at_hand in connection.execute(_postgresql()):
            _add(found, Found(name, {}, schema, is_at_hand), held, declared)
    return list(found.values())


def _sqlite() -> Select[str, str, str]:
    # Not by SQLAlchemy's inspection: it warns of types such as TINYINT(1), which mean nothing here.
    there = table("sqlite_master", column("name"), column("type"))
    held = func.pragma_table_xinfo(there.c.name).table_valued("cid", "name", "type", name="held")
    return (
        select(there.c.name, held.c.name, held.c.type)
        .select_from(there)
        .join(held, there.c.type == "table")
        .where(func.substr(there.c.name, 1, 7) != "sqlite_")
        .order_by(there.c.name, held.c.cid)
    )


def _postgresql() -> Select[str, str, str, str, bool]:
    spaces = table("pg_namespace", column("oid"), column("nspname"))
    there = table(
        *("pg_class", column("oid"), column("relname"), column("relnamespace")),
        *(column("relkind"), column("relispartition")),
    )
    held = table(
        *("pg_attribute", column("attrelid"), column("attname"), column("atttypid")),
        *(column("atttypmod"), column("attnum"), column("attisdropped")),
    )
    space = spaces.c.nspname
    return (
        select(
            space,
            there.c.relname,
            held.c.attname,
            func.format_type(held.c.atttypid, held.c.atttypmod),
            space == func.current_schema(),
        )
        .select_from(there)
        .join(spaces, spaces.c.oid == there.c.relnamespace)
        .join(held, held.c.attrelid == there.c.oid)
        .where(
            there.c.relkind.in_(("r", "p")),
            not_(there.c.relispartition),
            held.c.attnum > 0,
            not_(held.c.attisdropped),
            func.left(space, 3) != "pg_",
            space != _HIDDEN,
            func.has_table_privilege(there.c.oid, "SELECT"),
        )
        .order_by(space, there.c.relname, held.c.attnum)
    )


def _add(found: dict[tuple[str | None, str], Found], one: Found, held: str, declared: str) -> None:
    found.setdefault((one.schema, one.name), one).columns[held] = declared
