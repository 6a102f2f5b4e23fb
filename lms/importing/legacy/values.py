"""One old row, whatever was stored in it: what its values mean, and what had to be repaired."""

import json
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any
from uuid import UUID

from lms.db import LARGEST_ID
from lms.money import DEFAULT_CURRENCY, is_currency
from lms.texts import cleaned_line, storable

_YES = frozenset(("1", "t", "true", "y", "yes", "on", "\x01"))
_NO = frozenset(("0", "f", "false", "n", "no", "off", "\x00"))
_MILLISECONDS = Decimal(100_000_000_000)
"""As seconds this is the year 5138: a larger number counts milliseconds."""
_HIDDEN = frozenset(("password_hash", "body", "description", "message"))
"""Never shown in a report: secrets, and what would fill the screen."""
Row = dict[str, Any]


class OldRow:
    """One old row on its way into the scratch database, its columns under our names."""

    def __init__(self, row: Row, given: frozenset[str]) -> None:
        self._row, self._given = row, given
        self._repairs: list[str] = []
        self.refusal = ""

    def staged(self, **understood: Any) -> Row:
        """Return the row for the scratch database."""
        return {
            "key": self.key("id"),
            "raw": json.dumps(
                {
                    name: None if value is None else shown(value)
                    for name, value in self._row.items()
                    if name not in _HIDDEN
                }
            ),
            "repairs": "\n".join(dict.fromkeys(self._repairs)),
            "verdict": "refused" if self.refusal else None,
            "reason": self.refusal,
            **understood,
        }

    def digest(self) -> str:
        """Return what the row is recognized by where its id is not its own."""
        whole = json.dumps({name: text(value) for name, value in self._row.items()})
        return "#" + sha256(whole.encode()).hexdigest()[:32]

    def repaired(self, repair: str) -> None:
        """Note what could not be taken as it was."""
        self._repairs.append(repair)

    def has(self, column: str) -> bool:
        """Return whether the old table has the column at all."""
        return column in self._given

    def is_given(self, column: str) -> bool:
        """Return whether there is anything in the column."""
        return bool(text(self._row.get(column)).strip())

    def get(self, column: str) -> Any:
        """Return the value as it was read."""
        return self._row.get(column)

    def key(self, column: str) -> str | None:
        """Return what the row refers to."""
        return key(self._row.get(column))

    def text(self, column: str) -> str:
        """Return text of any length."""
        return text(self._row.get(column))

    def line(self, column: str, longest: int) -> str:
        """Return one line of text as people's own are stored, cut to its column's length."""
        written = line(self._row.get(column))
        found = cleaned_line(written)
        if found and found != unicodedata.normalize("NFC", written):
            self.repaired("invisible characters: left out")
        if len(found) > longest:
            self.repaired("text that is too long: shortened")
        return cleaned_line(found[:longest])  # a joiner may stand at the end now

    def shown(self, column: str) -> str:
        """Return the value as it was written, short enough to be read."""
        return shown(self._row.get(column))

    def whole(self, column: str, *, missing: int | None = None) -> int | None:
        """Return a whole number, None where there is something else."""
        return whole(self._row.get(column)) if self.is_given(column) else missing

    def currency(self) -> str | None:
        """Return the currency, or None if it is invalid."""
        found = word(self._row.get("currency")) or DEFAULT_CURRENCY
        return found if is_currency(found) else None

    def flag(self, column: str, *, default: bool) -> bool:
        """Return yes or no; what is unreadable is no, the safe one of the two."""
        value = self._row.get(column)
        if not self.is_given(column) and not isinstance(value, (bool, bytes)):
            return default
        found = flag(value)
        if found is None:
            self.repaired(f"{column} is neither yes nor no: treated as no")
        return bool(found)

    def moment(self, column: str) -> datetime | None:
        """Return a time, None where there is none; note an unreadable one."""
        if not self.is_given(column):
            return None
        found = moment(self._row.get(column))
        if found is None:
            self.repaired("an unreadable date: the time of the import is used")
        return found

    def word(self, column: str, known: tuple[str, ...], *, otherwise: str, missing: str) -> str:
        """Return a known word in any case; a missing column is not an error."""
        if not self.has(column):
            return missing
        found = word(self._row.get(column))
        if found not in known:
            what = "unknown" if found else "blank"
            self.repaired(f"the {column} is {what}: treated as '{otherwise}'")
            return otherwise
        if found != text(self._row.get(column)):
            self.repaired(f"the {column} was changed to the portal's spelling")
        return found


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


def shown(value: Any) -> str:
    """Return the value as it was written, short enough to be read."""
    return line(value)[:80]


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
    """Return a whole number within the columns' range; None for a fraction."""
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
