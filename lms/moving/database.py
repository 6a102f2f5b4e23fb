"""A school in a database, as the source of a copy."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Table

from lms.moving import loading, rows


class Database:
    """All that a connection sees at its moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """Raise UnreadableRows for what another database could not hold."""
        rows.check_readable(self._connection)

    def count(self, table: Table) -> int:
        """Return how many rows a table has."""
        return rows.count(self._connection, [table])

    def read(self, table: Table) -> Iterator[Sequence[rows.Row]]:
        """Yield all rows of a table, a batch at a time."""
        return rows.read(self._connection, table)

    def ids_used(self) -> Mapping[str, int]:
        """Return the last id that each table has given."""
        return loading.ids_used(self._connection)
