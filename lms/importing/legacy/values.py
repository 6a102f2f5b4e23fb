"""What a value of an old database means, whatever was stored: text, ids, numbers, yes or no."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from lms.db import LARGEST_ID
from lms.texts import storable

_YES = frozenset(("1", "t", "true", "y", "yes", "on", "\x01"))
_NO = frozenset(("0", "f", "false", "n", "no", "off", "\x00"))
_NO_DATE = re.compile(r"(0000-00-00([ T]00:00:00(\.0+)?)?|null|none)$", re.IGNORECASE)
"""What MySQL and scripts write where there is no date."""
Row = dict[str, Any]


def text(value: Any) -> str:
    """Return the value as text that both databases can store; blank where there is none."""
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if isinstance(value, str) and value.isascii() and "\x00" not in value:
        return value  # nearly all there is, and asked for often
    if isinstance(value, bytes):
        value = decoded(value)
    return storable(str(value))


def decoded(value: bytes) -> str:
    """Return bytes as text: UTF-8, or else what an old Windows wrote."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def line(value: Any) -> str:
    """Return the value as text without blanks around or doubled within."""
    if value is None or type(value) is int:
        return text(value)
    return " ".join(text(value).split())


def shown(value: Any) -> str:
    """Return the value as it was written, short enough to be read."""
    return line(value)[:80]


def word(value: Any) -> str:
    """Return a status or role as the portal writes it: lower case, no blanks around."""
    return line(value).lower()


def key(value: Any) -> str | None:
    """Return an id in a form that is equal wherever it is referred to, whatever its type there."""
    if value is None or type(value) is int or _is_number(value):
        return text(value)[:200] or None
    if isinstance(value, bytes) and len(value) == 16:
        return str(UUID(bytes=value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = line(value)
    if not found or found.lower() in {"null", "none"}:
        return None
    if len(found) in {32, 36, 38}:
        try:
            return str(UUID(found))
        except ValueError:
            return found
    return found if len(found) <= 200 else None


def _is_number(value: Any) -> bool:
    return type(value) is str and len(value) < 20 and value.isascii() and value.isdigit()


def number(value: Any) -> Decimal | None:
    """Return a number from a number or from text such as '60', '60 %', '33,3'."""
    if value is None:
        return None
    if type(value) is int and abs(value) <= LARGEST_ID:
        return Decimal(value)
    if isinstance(value, bool):
        return Decimal(int(value))
    plain = text(value).strip().removesuffix("%").strip().replace(",", ".")
    if not plain.isascii() or len(plain) > 40:
        return None
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) <= 10**19 else None


def whole(value: Any) -> int | None:
    """Return a whole number within the columns' range; None for a fraction."""
    if type(value) is int and abs(value) <= LARGEST_ID:
        return value
    found = number(value)
    if found is None or found != int(found) or abs(found) > LARGEST_ID:
        return None
    return int(found)


def is_set(value: Any) -> bool:
    """Return whether a mark such as `deletedAt` or `banned` was made: by a date, or by a yes."""
    if value is None or not text(value).strip():
        return False
    return flag(value) is not False and not _NO_DATE.match(line(value))


def flag(value: Any) -> bool | None:
    """Return yes or no, however it was spelled."""
    if isinstance(value, (bool, int, float)):
        return bool(value)
    spelled = value.decode("latin-1") if isinstance(value, bytes) else word(value)
    return True if spelled in _YES else False if spelled in _NO else None
