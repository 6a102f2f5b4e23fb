"""The school's settings as of a request; read once, and only where they have changed."""

from pathlib import Path

from flask import current_app, g

from lms.db import db
from lms.files import store
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


def last_known() -> School:
    """Return the settings as this process read them last: for a page that must ask for nothing."""
    return told(current_app.extensions.get(_KNOWN, NOTHING))


def logo_place() -> Path | None:
    """Return where the school's logo lies; None where there is none, or not all of it."""
    logo = school().logo
    found = store.on_this_machine(logo.digest, logo.bytes) if logo else None
    return found and found.resolve()


def _current() -> Kept:
    known: Kept | None = current_app.extensions.get(_KNOWN)
    seen: int | None = g.get("school_version")
    if seen == 0:
        return NOTHING
    if known is None or known.version != seen:
        current_app.extensions[_KNOWN] = known = read(db.session())
    return known
