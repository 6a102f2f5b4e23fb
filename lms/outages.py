"""What the database refuses for the moment: the same may work soon, and what it was is no fault."""

from sqlalchemy.exc import DBAPIError

_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout
_FULL_SQLSTATES = frozenset({"53100", "53200"})  # disk full, out of memory
_FULL_OF_SQLITE = "SQLITE_FULL"
_UNWRITABLE_OF_SQLITE = ("SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")
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
    if getattr(error.orig, "sqlstate", None) in _FULL_SQLSTATES:
        return True
    return getattr(error.orig, "sqlite_errorname", "") == _FULL_OF_SQLITE


def is_unwritable(error: DBAPIError) -> bool:
    """Return whether the disk of an SQLite file can't be written to, or fails."""
    return getattr(error.orig, "sqlite_errorname", "").startswith(_UNWRITABLE_OF_SQLITE)
