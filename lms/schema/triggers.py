"""Letting triggers of SQLite rest within a transaction: dropped, and created again as they were."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Connection, String, column, literal_column, or_, select, table


def take_triggers(connection: Connection, writing_to: Iterable[str] = ()) -> dict[str, str]:
    """Drop all triggers, or those that write into one of these tables; return their SQL by name."""
    name, sql = column("name", String), column("sql", String)
    chosen: list[ColumnElement[bool]] = [sql.contains(f"INTO {each} ") for each in writing_to]
    found = connection.execute(
        select(name, sql)
        .select_from(table("sqlite_master"))
        .where(column("type") == "trigger", or_(*chosen) if chosen else literal_column("1") == 1)
        .order_by(literal_column("rowid"))
    ).all()
    for trigger in found:
        connection.exec_driver_sql(f'DROP TRIGGER "{trigger.name}"')
    return {trigger.name: trigger.sql for trigger in found}


def restore_triggers(connection: Connection, taken: Mapping[str, str]) -> None:
    """Create them again."""
    for sql in taken.values():
        connection.exec_driver_sql(sql)
