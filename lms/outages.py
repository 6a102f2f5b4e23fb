"""What the database refuses for the moment: the same may work soon, and what it was is no fault."""

from sqlalchemy.exc import DBAPIError

_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout
_FULL = "53100"
_FULL_OF_SQLITE = "SQLITE_FULL"
_READ_ONLY_OF_SQLITE = "SQLITE_READONLY"
_FAILING_OF_SQLITE = ("SQLITE_IOERR", "SQLITE_CANTOPEN")
"""Extended codes begin with these."""


class OutcomeUnknownError(RuntimeError):
    """The database went away during COMMIT, and its outcome could not be determined."""


def is_transient(error: DBAPIError) -> bool:
    """Return whether the same may work in a moment: another was first, or no server was there."""
    if error.connection_invalidated:
        return True
    if (sqlstate := getattr(error.orig, "sqlstate", None)) is not None:
        return sqlstate in _RETRIED_SQLSTATES
    return "database is locked" in str(error.orig)


def has_no_room(error: DBAPIError) -> bool:
    """Return whether the database's disk is full: it takes somebody to make room."""
    return getattr(error.orig, "sqlstate", None) == _FULL or _name(error) == _FULL_OF_SQLITE


def is_read_only(error: DBAPIError) -> bool:
    """Return whether an SQLite file can be read, but not be written to."""
    return _name(error).startswith(_READ_ONLY_OF_SQLITE)


def is_failing(error: DBAPIError) -> bool:
    """Return whether the disk of an SQLite file fails, or the file is out of reach."""
    return _name(error).startswith(_FAILING_OF_SQLITE)


def _name(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", ""))
