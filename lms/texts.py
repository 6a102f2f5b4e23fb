"""Text that both databases can hold: PostgreSQL takes no NUL, no encoding half a surrogate pair."""

import re

UNSTORABLE = "Remove the characters that can't be stored."
_HALF_PAIRS = re.compile("[\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether both databases take it as it is."""
    return (text.isascii() and "\x00" not in text) or storable(text) == text


def storable(text: str) -> str:
    """Return the text without what can't be stored."""
    return _HALF_PAIRS.sub("\ufffd", text).replace("\x00", "")


def one_line(text: str) -> str:
    """Return the text as it can be stored, without blanks around or doubled within."""
    return " ".join(storable(text).split())
