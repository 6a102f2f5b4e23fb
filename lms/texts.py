"""Text that both databases can store, and numbers of things in words.

PostgreSQL can't store NUL, and no encoding can hold half a surrogate pair.
"""

import re
import unicodedata

UNSTORABLE = "Remove the characters that can't be stored."
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_WITH_A_STROKE = str.maketrans("øłđħŧı", "oldhti")  # to Unicode these are letters of their own


def is_storable(text: str) -> bool:
    """Return whether both databases take it as it is."""
    return (text.isascii() and "\x00" not in text) or storable(text) == text


def storable(text: str) -> str:
    """Return the text without what can't be stored."""
    return _HALF_PAIRS.sub("\ufffd", text).replace("\x00", "")


def one_line(text: str) -> str:
    """Return the text as it can be stored, without blanks around or doubled within."""
    return " ".join(storable(text).split())


def without_accents(text: str) -> str:
    """Return the text as searches compare it: neither accents nor case."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare.translate(_WITH_A_STROKE)


def counted(number: int, noun: str) -> str:
    """Return how many there are of something, such as '1 chapter' or '1,200 chapters'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
