"""The rows of a school: read in one order of tables, and summed up in a digest of each table."""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import JSON, Table

from lms.db import Base

BATCH = 2_000
_MODULUS = 2**256
TABLES: tuple[Table, ...] = tuple(Base.metadata.sorted_tables)
"""In an order in which a row comes after those that it refers to."""
Row = Sequence[Any]
Batches = Generator[Sequence[Row], None, None]
"""Rows that are read from an open cursor or file: closed by whoever stops in the middle."""


@dataclass
class Digest:
    """How many rows, and a sum over all of them that doesn't depend on their order."""

    rows: int = 0
    total: int = field(default=0, repr=False)

    def add(self, rows: Sequence[Row]) -> None:
        """Count rows in."""
        self.rows += len(rows)
        for row in rows:
            found = hashlib.blake2b(_FORM.encode(list(row)).encode(), digest_size=32)
            self.total += int.from_bytes(found.digest())
        self.total %= _MODULUS

    def __str__(self) -> str:
        return f"{self.rows}:{self.total:064x}"


class Source(Protocol):
    """A school that is read whole, all of one moment."""

    def check(self) -> None:
        """Raise a refusal if something in it could not be kept elsewhere as it is."""

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""

    def read(self, table: Table) -> Batches:
        """Yield all rows of a table, a batch at a time, with all its columns in their order."""

    def ids_used(self) -> Mapping[str, int]:
        """Return the last id that each table has given, even to a row that is gone."""


def is_json(table: Table) -> list[bool]:
    """Return for each column whether it holds JSON."""
    return [isinstance(column.type, JSON) for column in table.columns]


def written(value: object) -> str:
    """Return a row, or a part of one, as JSON in its one form."""
    return _FORM.encode(value)


def _of_time(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"no form for {type(value).__name__}")


_FORM = json.JSONEncoder(default=_of_time, ensure_ascii=False, sort_keys=True)
