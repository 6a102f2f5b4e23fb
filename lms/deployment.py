"""Whether the addresses of the database lead where the portal can work, or stop its start."""

from sqlalchemy.exc import DBAPIError

from lms import lag
from lms.config import ConfigError
from lms.db import behind, db, direct
from lms.postgresql import identity, is_standby, keeps_sessions, pooler_between, standing

_STATEMENT_MODE = "statement pooling"
"""What PgBouncer says to a transaction where it lends a connection for one statement alone."""


def check() -> None:
    """Raise ConfigError unless all addresses lead to one database that can be changed."""
    server = direct()
    if server.dialect.name == "sqlite":
        return
    with server.connect() as connection:
        place, cannot_change = identity(connection), is_standby(connection)
    key = "DATABASE_URL" if server is db.engine else "DATABASE_DIRECT_URL"
    if not keeps_sessions(server):
        raise pooler_between(key)
    if cannot_change:
        raise ConfigError(
            f"{key} leads to a standby, which can't be changed: give the address of the primary, or"
            " those of all servers, as in postgresql://one,two/lms?target_session_attrs=read-write"
        )
    if server is not db.engine and _place_of_pooler() != place:
        raise ConfigError("DATABASE_URL and DATABASE_DIRECT_URL lead to different databases")
    if (reads := behind()) is not None:
        with server.connect() as connection:
            primary = standing(connection)
        found = lag.reached(reads)
        if found is not None and found.place != primary.place:
            raise ConfigError("DATABASE_URL and DATABASE_READ_URL lead to different databases")


def _place_of_pooler() -> object:
    try:
        with db.engine.connect() as connection:
            return identity(connection)
    except DBAPIError as error:
        if _STATEMENT_MODE not in str(error.orig):
            raise
        raise ConfigError(
            "DATABASE_URL leads to a pooler in statement mode, in which nothing can be changed as a"
            " whole: set it to transaction mode (pool_mode = transaction)"
        ) from None
