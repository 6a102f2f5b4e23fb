"""A school in a database, as the source of a copy."""

from collections.abc import Mapping
from contextlib import closing

from sqlalchemy import ColumnElement, Connection, Table, false, func, or_, select

from lms import schema
from lms.db import UtcDateTime, unreadable, wrong_type
from lms.models.columns import numbers
from lms.moving.rows import BATCH, TABLES, Batches, Digest
from lms.refusals import Refusal
from lms.unfinished import refuse_unfinished


class UnreadableRows(Refusal):
    """There are values that no other database could hold as they are."""


class Database:
    """All that a connection sees at its moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Raise UnreadableRows for a text where a number or a time belongs, as SQLite may hold.

        And UnfinishedCopyError for a part of a school.
        """
        refuse_unfinished(self._connection)
        for table in TABLES:
            wrong: list[ColumnElement[bool]] = [wrong_type(column) for column in numbers(table)]
            times = (column for column in table.columns if isinstance(column.type, UtcDateTime))
            wrong += map(unreadable, times)
            found = select(1).select_from(table).where(or_(false(), *wrong)).limit(1)
            if self._connection.scalar(found):
                raise UnreadableRows(
                    f"{table.name} has values of the wrong type, which would be lost. Run"
                    " `flask sync auto-fix` first."
                )

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        return self._connection.scalar(select(func.count()).select_from(table)) or 0

    def read(self, table: Table) -> Batches:
        """Yield all rows of a table, a batch at a time, with all its columns in their order."""
        options = {"stream_results": True, "yield_per": BATCH}  # of this statement alone
        rows = select(*table.columns)
        with self._connection.execute(rows, execution_options=options) as found:
            yield from found.partitions(BATCH)

    def ids_used(self) -> Mapping[str, int]:
        """Return the last id that each table has given, even to a row that is gone."""
        return schema.last_ids(self._connection)

    def digest(self, table: Table) -> Digest:
        """Return the digest of a table as it is now."""
        found = Digest()
        with closing(self.read(table)) as batches:
            for rows in batches:
                found.add(rows)
        return found
