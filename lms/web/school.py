"""The school's settings as of a request; read once, and only where they have changed."""

from pathlib import Path

from flask import current_app, g

from lms.db import db, end_reading
from lms.files import copies
from lms.school import NOTHING, Kept, School, read, told

_KNOWN = "school"


def school() -> School:
    """Return the settings as of this request.

    All workers see a change at once: whoever is signed in brings the version along, and only a
    version that this process has not read yet costs a statement.
    """
    if "school" not in g:
        g.school = told(_current())
    found: School = g.school
    return found


def look_again() -> None:
    """Have this request read the settings once more: it has changed them itself."""
    g.pop("school", None)
    g.school_version = None


def last_known() -> School:
    """Return the settings as this process read them last: for a page that must ask for nothing."""
    return told(current_app.extensions.get(_KNOWN, NOTHING))


def logo_place() -> Path | None:
    """Return where the school's logo lies on this machine, which may have to fetch it.

    None where there is none, or not all of it. Raises StorageAway.
    """
    if (logo := school().logo) is None:
        return None
    found = copies.find(logo.digest, logo.bytes)
    if found is None:
        end_reading()
        found = copies.fetched(logo.digest, logo.bytes)
    return found and found.resolve()


def _current() -> Kept:
    known: Kept | None = current_app.extensions.get(_KNOWN)
    seen: int | None = g.get("school_version")
    if seen == 0:
        return NOTHING
    if known is None or known.version != seen:
        current_app.extensions[_KNOWN] = known = read(db.session())
    return known


def suggested_currency() -> str:
    """Return the school's currency as people write it."""
    return school().currency.upper()
