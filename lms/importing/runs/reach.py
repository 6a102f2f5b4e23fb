"""Which databases an admin may have the server reach from the browser: those that a setting lists.

Nothing in an address may lead elsewhere: to a file, a socket or another host of libpq's options.
"""

from lms.config import setting
from lms.database_address import POSTGRESQL_PORT, shown
from lms.importing.legacy.address import NoOldSchool
from lms.importing.legacy.address import address as where
from lms.refusals import Refusal

_ALLOWED = {"sslmode"}
_WRONG = (
    "This isn't a database address. Enter one such as postgresql://user:password@host/database."
)


class OutOfReach(Refusal):
    """The server does not reach this database from the browser; the message says what it may."""


def checked(given: str) -> str:
    """Return the address without its password, to be shown; raises OutOfReach in words.

    No message repeats what was typed: it has a password in it.
    """
    try:
        found = where(given).url
    except NoOldSchool as refusal:
        raise OutOfReach(
            _WRONG if "database address" in refusal.detail else refusal.detail
        ) from None
    except (OSError, ValueError):  # of a path that can be none
        raise OutOfReach(_WRONG) from None
    if found.drivername == "sqlite":
        raise OutOfReach("Upload an SQLite file instead: the server doesn't open files by path.")
    hosts = (setting("LMS_IMPORT_HOSTS") or "none").split(",")
    if f"{(found.host or '').lower()}:{found.port or POSTGRESQL_PORT}" not in hosts:
        raise OutOfReach(
            "The server isn't allowed to connect to this host. It may connect to:"
            f" {', '.join(hosts)} (the setting LMS_IMPORT_HOSTS)."
        )
    if others := sorted(found.query.keys() - _ALLOWED):  # libpq knows ways to other hosts and files
        raise OutOfReach(f"Leave this out of the address: {', '.join(others)}.")
    return shown(found)
