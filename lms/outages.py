"""What the database refuses for the moment: the same may work soon, and what it was is no fault."""

from sqlalchemy.exc import DBAPIError

_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialization, deadlock, lock timeout


class OutcomeUnknownError(RuntimeError):
    """The database went away during COMMIT, and its outcome could not be determined."""


def is_transient(error: DBAPIError) -> bool:
    """Return whether the same may work in a moment: another was first, or no server was there."""
    if error.connection_invalidated:
        return True
    if (sqlstate := getattr(error.orig, "sqlstate", None)) is not None:
        return sqlstate in _RETRIED_SQLSTATES
    return "database is locked" in str(error.orig)
