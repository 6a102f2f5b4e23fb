"""Why the database refused a row, in words for people."""

from sqlalchemy.exc import IntegrityError

_SQLSTATES = {"23503": "foreign", "23505": "unique"}


def reason(error: IntegrityError) -> str:
    """Return one sentence on what prevents it."""
    text = str(error.orig).strip().partition("\n")[0]
    kind = _SQLSTATES.get(getattr(error.orig, "sqlstate", None) or "", text.lower())
    if "foreign" in kind:
        return "A row that this row belongs to is missing or doesn't match."
    if "unique" in kind:
        return "The database already has such a row."
    return f"The database rejected the change: {text}."
