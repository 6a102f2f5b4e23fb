"""Have SQLite refuse, as PostgreSQL does by its types, what is no number and no truth value.

What it makes stays as it is: migrations of releases that are out call it. 0011 did so first.
"""

from alembic import op


def refuse_wrong_types(table: str, *numbers: str, truths: tuple[str, ...] = ()) -> None:
    """Create the triggers of a table for these columns, in place of those it has."""
    if op.get_bind().dialect.name != "sqlite":
        return
    wrong = {name: f"typeof(NEW.{name}) NOT IN ('integer', 'null')" for name in numbers}
    wrong |= {name: f"NEW.{name} NOT IN (0, 1)" for name in truths}
    # What a restored dump has brought in stands in the way of no other column's change.
    changed = [f"NEW.{name} IS NOT OLD.{name} AND {rule}" for name, rule in wrong.items()]
    for name, event, conditions in (
        ("insert", "INSERT", list(wrong.values())),
        ("update", f"UPDATE OF {', '.join(wrong)}", changed),
    ):
        op.execute(f"DROP TRIGGER IF EXISTS {table}_refuse_wrong_type_{name}")
        op.execute(
            f"CREATE TRIGGER {table}_refuse_wrong_type_{name} BEFORE {event} ON {table} "
            f"WHEN {' OR '.join(conditions)} "
            f"BEGIN SELECT RAISE(ABORT, 'a value of the wrong type for {table}'); END"
        )
