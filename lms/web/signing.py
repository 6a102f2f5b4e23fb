"""What leaves signed and comes back: links, states and cookies, none good for another's purpose."""

from flask import current_app

from lms.config import signing_keys
from lms.signatures import Signatures


def keys() -> list[str]:
    """Return the keys that verify what comes back; the last one signs."""
    return signing_keys(current_app.config)


def serializer(purpose: str) -> Signatures:
    """Return what signs for this purpose alone, with the time."""
    return Signatures(keys(), salt=purpose)
