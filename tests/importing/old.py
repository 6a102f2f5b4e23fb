"""Old schools, made by hand: tables of any name, columns of any name, values of any kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import create_engine, make_url, text

from lms.importing import ImportReport
from lms.importing.legacy.report import TableReport

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
PEOPLE = [{"id": n, "email": f"u{n}@x.org", "name": f"U{n}"} for n in range(1, 6)]


def make(url: str, tables: Tables, types: Mapping[str, str] | None = None) -> str:
    """Make the tables, without any constraint, and return the address.

    Columns have no type, or text on PostgreSQL, unless `types` names one for a `table.column`.
    """
    declared = types or {}
    address = make_url(url)
    if address.drivername != "sqlite":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    kind = "" if engine.dialect.name == "sqlite" else " text"
    with engine.begin() as connection:
        for name, rows in tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            listed = ", ".join(
                f'"{column}" {declared.get(f"{name}.{column}", kind)}' for column in columns
            )
            connection.execute(text(f'DROP TABLE IF EXISTS "{name}"'))
            connection.execute(text(f'CREATE TABLE "{name}" ({listed})'))
            marks = ", ".join(f":v{number}" for number in range(len(columns)))
            connection.execute(
                text(f'INSERT INTO "{name}" VALUES ({marks})'),
                [
                    {
                        f"v{number}": _stored(row.get(column), kind)
                        for number, column in enumerate(columns)
                    }
                    for row in rows
                ],
            )
    engine.dispose()
    return url


def _stored(value: Any, kind: str) -> Any:
    if value is None or not kind:
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def outcome(report: ImportReport, table: str, row_id: object) -> str:
    """Return what became of a row, and every reason, in one line."""
    found = next(each for each in report.tables if each.table == table)
    reasons = [
        (reason.outcome, reason.reason)
        for reason in found.reasons
        if any(row["id"] == str(row_id) for row in reason.sample)
    ]
    if not reasons:
        return "created"
    return f"{reasons[0][0]}: {'; '.join(reason for _, reason in reasons)}"


def adds_up(report: ImportReport) -> bool:
    """Return whether every row that was read is accounted for, per table and in all."""
    counted: list[ImportReport | TableReport] = [report, *report.tables]
    return all(
        each.read == each.created + each.merged + each.repaired + each.refused for each in counted
    ) and report.read == sum(each.read for each in report.tables)
