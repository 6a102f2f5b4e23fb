"""A database into which a copy was begun and not ended: nothing starts on a part of a school."""

from sqlalchemy import Connection, inspect

from lms.config import ConfigError

TABLE = "unfinished_copy"
"""Is there exactly as long as the copy is not whole."""


class UnfinishedCopyError(ConfigError):
    """The database holds a part of a school."""


def is_unfinished(connection: Connection) -> bool:
    """Return whether a copy into this database was begun and not ended."""
    return inspect(connection).has_table(TABLE)


def refuse_unfinished(connection: Connection) -> None:
    """Raise UnfinishedCopyError where a copy was begun and not ended."""
    if is_unfinished(connection):
        raise UnfinishedCopyError(
            "A copy into this database was interrupted, so it holds only part of the school. Run"
            " the same command again to finish it, or use another database"
        )
