"""What a copy has finished so far, kept in the target until all of it is there."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from sqlalchemy import Column, Connection, MetaData, String, Table, Text, delete, insert, select

from lms.moving import loading, resting
from lms.moving.places import NotEmpty, check_empty
from lms.moving.rows import TABLES, written
from lms.unfinished import TABLE, is_unfinished

_kept = Table(
    TABLE,
    MetaData(),
    Column("kind", String(20), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("value", Text),
)
_TABLE, _TRIGGER, _INDEX, _OF = "table", "trigger", "index", "copy"


def begin_or_resume(connection: Connection, tables: Iterable[Table]) -> dict[str, str]:
    """Return the digests of the tables that an interrupted copy has finished; none for a new one.

    From here to `end` the target's triggers, indexes and references rest. Raises NotEmpty.
    """
    about = _about(tables)
    if is_unfinished(connection):
        found = _values(connection, _OF)
        if found.get("columns") != about["columns"]:
            raise NotEmpty(
                "A copy into the target was interrupted, and it was started by another release."
                " Create a"
                " new database for it."
            )
        if found == about:
            return _values(connection, _TABLE)
        start_over(connection)
        connection.execute(delete(_kept).where(_kept.c.kind == _OF))
    else:
        check_empty(connection)
        _kept.create(connection)
        _keep(connection, _TRIGGER, resting.take_triggers(connection))
        loading.empty(connection)
        _keep(connection, _INDEX, resting.take_indexes(connection))
    _keep(connection, _OF, about)
    return {}


def start_over(connection: Connection) -> None:
    """Delete all that an interrupted copy has written."""
    loading.empty(connection)
    connection.execute(delete(_kept).where(_kept.c.kind == _TABLE))


def note_finished(connection: Connection, digests: Mapping[str, object]) -> None:
    """Remember tables that are whole, in the transaction that has written them."""
    _keep(connection, _TABLE, {name: str(digest) for name, digest in digests.items()})


def give_up(connection: Connection) -> None:
    """Leave the target as empty as it was before."""
    loading.empty(connection)
    resting.check_references(connection)  # what PostgreSQL has put off would keep triggers at rest
    end(connection)


def end(connection: Connection) -> None:
    """Let all that rested act again: the target is a school now. May raise BrokenReferences."""
    resting.restore_indexes(connection, _values(connection, _INDEX))
    resting.restore_triggers(connection, _values(connection, _TRIGGER))
    _kept.drop(connection)


def _about(tables: Iterable[Table]) -> dict[str, str]:
    columns = [[table.name, *table.columns.keys()] for table in TABLES]
    return {
        "columns": sha256(written(columns).encode()).hexdigest(),
        "tables": " ".join(table.name for table in tables),
    }


def _keep(connection: Connection, kind: str, values: Mapping[str, str]) -> None:
    if values:
        rows = [{"kind": kind, "name": name, "value": value} for name, value in values.items()]
        connection.execute(insert(_kept), rows)


def _values(connection: Connection, kind: str) -> dict[str, str]:
    found = select(_kept.c.name, _kept.c.value).where(_kept.c.kind == kind)
    return {row.name: row.value for row in connection.execute(found)}
