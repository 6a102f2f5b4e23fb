"""Amounts of money as people type them: 49, 49.00, 49,00, 1,200.50, 1.200,50 and 1 200."""

import re
from dataclasses import dataclass
from decimal import Decimal

_BLANK = "[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'\N{RIGHT SINGLE QUOTATION MARK}]"
_PLAIN = re.compile(
    rf"(?P<whole>-?(?:[0-9]{{1,15}}|[0-9]{{1,3}}(?:{_BLANK}[0-9]{{3}}){{1,4}}))"
    r"(?:[.,](?P<part>[0-9]{0,12}))?"
)
"""Few enough digits for `Decimal` to keep all of them, whatever the currency."""
_GROUPED = re.compile(
    r"(?P<whole>-?[0-9]{1,3}(?P<sign>[.,])[0-9]{3}(?:(?P=sign)[0-9]{3}){0,3})"
    r"(?:(?!(?P=sign))[.,](?P<part>[0-9]{0,12}))?"
)
_TWO_WAYS = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")
_THOUSANDTHS = 3


@dataclass(frozen=True)
class TypedAmount:
    """What was typed, as a number in a currency's own units."""

    number: Decimal
    places: int
    """How many decimal places were typed."""
    as_thousands: Decimal | None = None
    """What else it can be: 1.200 is one and a fifth, or twelve hundred."""
    has_point: bool = False

    def meanings(self, decimals: int) -> list[Decimal]:
        """Return which amounts of a currency with so many decimal places it can be, larger first.

        Where three places are usual, 1.200 is none of thousands; 1,200 may be.
        """
        if self.as_thousands is None or (decimals == _THOUSANDTHS and self.has_point):
            return [self.number] if self.places <= decimals else []
        is_one = self.number * 10**decimals == int(self.number * 10**decimals)
        return [self.as_thousands, *([self.number] if is_one else [])]


def read_amount(text: str) -> TypedAmount | None:
    """Return the amount that was typed; None if it is none."""
    plain, grouped = _PLAIN.fullmatch(text), _GROUPED.fullmatch(text)
    if plain is None:
        return TypedAmount(_number(grouped), _places(grouped)) if grouped else None
    if grouped is None or not _TWO_WAYS.fullmatch(text):
        return TypedAmount(_number(plain), _places(plain))
    return TypedAmount(_number(plain), _places(plain), _number(grouped), "." in text)


def _places(found: re.Match[str]) -> int:
    return len(found["part"] or "")


def _number(found: re.Match[str]) -> Decimal:
    return Decimal(f"{re.sub('[^0-9-]', '', found['whole'])}.{found['part'] or ''}")
