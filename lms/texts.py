"""Text that both databases can store, and numbers of things in words.

PostgreSQL can't store NUL, and no encoding can hold half a surrogate pair.
"""

import re
import unicodedata
from typing import Any

UNSTORABLE = "Remove the characters that can't be stored."
CONTROLS = "This contains invisible control characters. Type it again instead of pasting it."
INVISIBLE = "Enter at least one visible character."
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_JOINERS = re.compile("[\u200c\u200d]+")
_UNSEEN = frozenset("\u00ad\u200b\u2060\ufeff")
"""Where a line may break, and where not: what pasted text is full of, and nobody means."""
_SHOWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
"""Signs around Arabic and Syriac numbers, which are seen although they count as controls."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing: fillers of Hangul, Braille without dots."""
_VIRAMA = 9
"""The combining class of signs after which a joiner shapes even the last letter of a word."""
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


def typed_line(text: str) -> str:
    """Return a line that a person typed as it is stored; a ValueError says what is wrong.

    What looks the same is stored the same: composed, and without what nobody sees.
    """
    if not is_storable(text):
        raise ValueError(UNSTORABLE)
    if any(map(_is_control, " ".join(text.split()))):
        raise ValueError(CONTROLS)
    line = cleaned_line(text)
    if text.strip() and not line:
        raise ValueError(INVISIBLE)
    return line


def cleaned_line(text: str) -> str:
    """Return a line as `typed_line` would take it; blank where nothing of it is visible."""
    line = one_line(text)
    if line.isascii() and line.isprintable():
        return line
    seen = "".join(each for each in line if each not in _UNSEEN and not _is_control(each))
    whole = unicodedata.normalize("NFC", " ".join(seen.split()))
    line = " ".join(_JOINERS.sub(_needed, whole).split())
    return line if any(map(_is_visible, line)) else ""


def without_accents(text: str) -> str:
    """Return the text as searches compare it: neither accents nor case."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFD", text.casefold())
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare.translate(_WITH_A_STROKE)


def _is_control(character: str) -> bool:
    """Return whether it steers how text is shown: terminals, directions, tags."""
    if character in _UNSEEN or character in _SHOWN or character in "\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf"}


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


def _needed(joiners: re.Match[str]) -> str:
    """Return the one joiner that a word needs at this place, if it does."""
    text, start, end = joiners.string, joiners.start(), joiners.end()
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    is_inside = not before.isspace() and not after.isspace()
    return joiners[0][0] if is_inside or unicodedata.combining(before) == _VIRAMA else ""


def size(count: int) -> str:
    """Return a number of bytes as people read it, to the nearest; of any at least 1 KB."""
    if count < 999_500:
        return f"{max(round(count / 1_000), 1 if count else 0)} KB"
    if count < 999_500_000:
        return f"{count / 1_000_000:,.{1 if count < 99_950_000 else 0}f} MB"
    return f"{count / 1_000_000_000:,.2f} GB"


def counted(number: int, noun: str) -> str:
    """Return how many there are of something, such as '1 chapter' or '1,200 chapters'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def harmless(cell: Any) -> Any:
    """Return a cell of a CSV so that no spreadsheet runs it: '=HYPERLINK(...)' is a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell


_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
