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
    as_thousands: Decimal | None
    """What else it can be: 1.200 is one and a fifth, or twelve hundred."""

    def is_clear(self, decimals: int) -> bool:
        """Return whether it is but one amount of a currency with so many decimal places."""
        return self.as_thousands is None or decimals == _THOUSANDTHS


def read_amount(text: str) -> TypedAmount | None:
    """Return the amount that was typed; None if it is none."""
    plain, grouped = _PLAIN.fullmatch(text), _GROUPED.fullmatch(text)
    if plain is None:
        return TypedAmount(_number(grouped), None) if grouped else None
    thousands = _number(grouped) if grouped and _TWO_WAYS.fullmatch(text) else None
    return TypedAmount(_number(plain), thousands)


def _number(found: re.Match[str]) -> Decimal:
    return Decimal(f"{re.sub('[^0-9-]', '', found['whole'])}.{found['part'] or ''}")
