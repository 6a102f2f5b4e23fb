"""Restoring what a database has lost, in one transaction: all of it, or nothing."""

from sqlalchemy.exc import IntegrityError

from lms.db import db, direct
from lms.refusals import Refusal
from lms.schema import postgresql, sqlite


class RowsInTheWay(Refusal):
    """There are rows that the database would refuse."""


def restore() -> list[str]:
    """Restore every constraint, index and trigger that is missing or altered; return their names.

    Whoever changes the database meanwhile waits. Raises RowsInTheWay, and UnknownColumns for a
    table that cannot be rebuilt without losing what is not the portal's.
    """
    db.session.rollback()
    restore_in = sqlite.restore if db.engine.dialect.name == "sqlite" else postgresql.restore
    try:
        return restore_in(direct())
    except (IntegrityError, sqlite.BrokenReferences) as error:
        cause = str(error.orig if isinstance(error, IntegrityError) else error).partition("\n")[0]
        raise RowsInTheWay(
            f"Some rows violate the constraints ({cause}). Run `flask sync auto-fix` or see the "
            "findings on the Sync page, then try again."
        ) from None


def restore_ids() -> list[str]:
    """Let all tables give ids again, none of them twice; return what was lost."""
    db.session.rollback()
    if db.engine.dialect.name == "sqlite":
        return sqlite.restore_ids(db.engine)
    return postgresql.restore_ids(direct())
