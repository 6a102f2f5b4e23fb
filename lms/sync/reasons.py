"""Why the database refused a row, in words for people."""

from sqlalchemy.exc import IntegrityError

_SQLSTATES = {"23503": "foreign", "23505": "unique"}


def reason(error: IntegrityError) -> str:
    """Return one sentence on what prevents it."""
    text = str(error.orig).strip().partition("\n")[0]
    kind = _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "", text.lower())
    if "foreign" in kind:
        return "A row it belongs to is missing or does not match."
    if "unique" in kind:
        return "Such a row already exists."
    return f"The database rejected it: {text}."
