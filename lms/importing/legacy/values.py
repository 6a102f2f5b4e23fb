"""Single values of an old database, whatever was stored there: what they mean, or None."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

from lms.db import LARGEST_ID
from lms.texts import storable

_YES = frozenset(("1", "t", "true", "y", "yes", "on", "\x01"))
_NO = frozenset(("0", "f", "false", "n", "no", "off", "\x00"))
_MILLISECONDS = Decimal(100_000_000_000)
"""As seconds this is the year 5138: a larger number counts milliseconds."""
_COSTLIEST = 1024**2
"""KiB of memory: a hash that wants more would let anybody who signs in exhaust the machine."""


def text(value: Any) -> str:
    """Return the value as text that both databases can store; blank where there is none."""
    if value is None:
        return ""
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
    return " ".join(text(value).split())


def word(value: Any) -> str:
    """Return a status or role as the portal writes it: lower case, no blanks around."""
    return line(value).lower()


def key(value: Any) -> str | None:
    """Return an id in a form that is equal wherever it is referred to, whatever its type there."""
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


def number(value: Any) -> Decimal | None:
    """Return a number from a number or from text such as '60', '60 %', '33,3'."""
    if isinstance(value, bool):
        return Decimal(int(value))
    plain = text(value).strip().removesuffix("%").strip().replace(",", ".")
    if not plain.isascii() or len(plain) > 40:
        return None
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) <= 10**18 else None


def whole(value: Any) -> int | None:
    """Return a whole number that the portal's columns hold; a fraction is none."""
    found = number(value)
    if found is None or found != int(found) or abs(found) > LARGEST_ID:
        return None
    return int(found)


def percent(value: Any) -> int | None:
    """Return a percentage from 0 to 100, rounded down; anything else is no evidence of any."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= 100 else None


def flag(value: Any) -> bool | None:
    """Return yes or no, however it was spelled."""
    if isinstance(value, (bool, int, float)):
        return bool(value)
    spelled = value.decode("latin-1") if isinstance(value, bytes) else word(value)
    return True if spelled in _YES else False if spelled in _NO else None


def moment(value: Any) -> datetime | None:
    """Return a time; one without a zone is in UTC, a bare number counts from 1970."""
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    plain = line(value).removesuffix(" UTC").removesuffix(" GMT")
    if (since := number(value)) is not None and not re.fullmatch(r"\d{8}", plain):
        return _since_1970(since)
    try:
        return _in_utc(datetime.fromisoformat(plain))
    except ValueError:
        return None


def password_hash(value: Any) -> str:
    """Return a hash that the portal can verify; blank for any other form, and for none."""
    found = text(value)
    try:
        parameters = extract_parameters(found)
    except (InvalidHashError, ValueError):
        return ""
    is_affordable = parameters.memory_cost <= _COSTLIEST and parameters.time_cost <= 100
    return found if len(found) <= 255 and is_affordable else ""


def _since_1970(since: Decimal) -> datetime | None:
    seconds = since / 1000 if since >= _MILLISECONDS else since
    try:
        return datetime.fromtimestamp(float(seconds), UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _in_utc(found: datetime) -> datetime | None:
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None
