"""A school in a folder: a file of JSON Lines for each table, and the JSON Schema of their lines."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import JSON, Boolean, Column, Connection, Date, Integer, String, Table

from lms.db import UtcDateTime, now
from lms.moving.copying import CopyReport, Progress, no_progress
from lms.moving.database import Database
from lms.moving.rows import BATCH, TABLES, Batches, Digest, Row, written
from lms.private_files import new_private_file
from lms.refusals import Refusal

FORM = "learning portal export 1"
_ABOUT = "school.json"
_SCHEMA = "schema.json"


class BadExport(Refusal):
    """The folder isn't an export of this release, or no longer what it was."""


def export(connection: Connection, folder: Path, *, progress: Progress = no_progress) -> CopyReport:
    """Write the school at the connection's moment to a new folder, readable for its owner alone.

    What tells that an export is complete is written last. Raises FileExistsError.
    """
    source = Database(connection)
    source.check()
    folder.mkdir(mode=0o700)
    total, done = sum(map(source.count, TABLES)), 0
    digests: dict[str, Digest] = {}
    for table in TABLES:
        digests[table.name] = Digest()
        names = [column.name for column in table.columns]
        with (
            _new(folder / f"{table.name}.jsonl") as file,
            closing(source.read(table)) as batches,
        ):
            for rows in batches:
                digests[table.name].add(rows)
                file.writelines(_line(names, row) for row in rows)
                done += len(rows)
                progress(done, total)
    report = CopyReport(
        {name: found.rows for name, found in digests.items()},
        {name: str(found) for name, found in digests.items()},
    )
    with _new(folder / _SCHEMA) as file:
        json.dump(schema(), file, indent=2)
    with _new(folder / _ABOUT) as file:
        about = {"form": FORM, "columns": _columns(), "made_at": now().isoformat()}
        json.dump(
            {**about, "ids_used": source.ids_used(), "tables": report.digests}, file, indent=2
        )
    return report


class Folder:
    """An export as the source of a copy."""

    def __init__(self, folder: Path) -> None:
        """Open an export; raises BadExport."""
        self._folder = folder
        try:
            self._about = json.loads((folder / _ABOUT).read_text("utf-8"))
            form, columns = self._about["form"], self._about["columns"]
        except (OSError, ValueError, TypeError, KeyError):
            raise BadExport(
                f"{folder} isn't a complete export made by `flask export school`."
            ) from None
        if form != FORM or columns != _columns():
            raise BadExport(
                f"{folder} was exported by another release. Use that release to import it, then"
                " update; or use `flask backup`, which any later release can restore."
            )

    def check(self) -> None:
        """Accept it: each table is compared with its digest once it has been read."""

    def count(self, table: Table) -> int:
        """Return how many rows a table says that it has."""
        return int(str(self._about["tables"][table.name]).partition(":")[0])

    def read(self, table: Table) -> Batches:
        """Yield all rows of a table; raises BadExport where they aren't those that were written."""
        found = Digest()
        for rows in self._batches(table):
            found.add(rows)
            yield rows
        if str(found) != self._about["tables"][table.name]:
            raise self._damaged(table)

    def ids_used(self) -> Mapping[str, int]:
        """Return the last id that each table had given."""
        used: Mapping[str, int] = self._about["ids_used"]
        return used

    def _batches(self, table: Table) -> Batches:
        readers = [(column.name, _reader(column)) for column in table.columns]
        rows: list[Row] = []
        try:
            with (self._folder / f"{table.name}.jsonl").open(encoding="utf-8") as file:
                for line in file:
                    values = json.loads(line)
                    rows.append([read(values[name]) for name, read in readers])
                    if len(rows) == BATCH:
                        yield rows
                        rows = []
        except (OSError, ValueError, TypeError, KeyError):
            raise self._damaged(table) from None
        if rows:
            yield rows

    def _damaged(self, table: Table) -> BadExport:
        return BadExport(
            f"{self._folder / table.name}.jsonl was changed after it was exported."
            " Nothing was imported."
        )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a line of each file, under the name of its table."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A school as `flask export school` writes it: a line of TABLE.jsonl is a TABLE",
        "$defs": {
            table.name: {
                "type": "object",
                "properties": {column.name: _described(column) for column in table.columns},
                "required": [column.name for column in table.columns],
                "additionalProperties": False,
            }
            for table in TABLES
        },
    }


def _described(column: Column[Any]) -> dict[str, Any]:
    kind = column.type
    if isinstance(kind, JSON):
        return {}
    found: dict[str, Any] = {"type": "string"}
    if isinstance(kind, UtcDateTime):
        found["format"] = "date-time"
    elif isinstance(kind, Date):
        found["format"] = "date"
    elif isinstance(kind, Boolean):
        found["type"] = "boolean"
    elif isinstance(kind, Integer):
        found["type"] = "integer"
    elif isinstance(kind, String) and kind.length:
        found["maxLength"] = kind.length
    return {**found, "type": [found["type"], "null"]} if column.nullable else found


def _line(names: Sequence[str], row: Row) -> str:
    return written(dict(zip(names, row, strict=True))) + "\n"


def _reader(column: Column[Any]) -> Any:
    if isinstance(column.type, UtcDateTime):
        return lambda value: value and datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return lambda value: value and date.fromisoformat(value)
    return lambda value: value


def _columns() -> str:
    """Return what changes with any column: an export is for the release that wrote it."""
    return hashlib.blake2b(json.dumps(schema()).encode(), digest_size=16).hexdigest()


def _new(path: Path) -> TextIO:
    return TextIOWrapper(new_private_file(path), encoding="utf-8")
