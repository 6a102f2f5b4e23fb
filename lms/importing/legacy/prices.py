"""Whether an old school's amounts are decimal (19.99) or minor units (1999): by evidence, or asked.

Nothing is guessed: where neither types nor values decide, the unit is unknown, and the owner says.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from lms.currencies import CURRENCIES
from lms.importing.legacy.values import line, number, text
from lms.money import decimals

Unit = Literal["decimal", "minor"]
UNITS: tuple[Unit, ...] = ("decimal", "minor")
_DECIMAL_TYPE = re.compile(r"(decimal|numeric)\s*\(\s*\d+\s*,\s*[1-9]\d*\s*\)|money", re.IGNORECASE)
_WHOLE_TYPE = re.compile(r"int|serial", re.IGNORECASE)
_FLOATING_TYPE = re.compile(r"real|float|double", re.IGNORECASE)
_WRITTEN_WITH_DECIMALS = re.compile(r"\d[.,]\d\d$")


@dataclass(frozen=True)
class Amount:
    """One of the different amounts that a column holds."""

    written: Any
    currency: str
    course: str | None = None
    """The old id of the course that it is the price of, or was paid for."""
    is_stripes: bool = False
    """Whether Stripe took it."""

    @property
    def number(self) -> Decimal | None:
        """The amount as a number."""
        return figure(self.written)

    @property
    def has_units(self) -> bool:
        """Whether it matters which unit it is in: nothing is nothing, and yen have no cents."""
        found = self.number
        return found is not None and found != 0 and decimals(self.currency) > 0


def in_minor_units(names: Iterable[str]) -> tuple[str, ...]:
    """Return what columns are called that hold minor units, by their own word: `priceInCents`."""
    return tuple(
        f"{name}{unit}"
        for name in names
        for unit in ("cents", "incents", "minor", "minorunits", "inminorunits", "pence", "inpence")
    )


def figure(value: Any) -> Decimal | None:
    """Return an amount as a number, however it is grouped: `$1,999.00`, `1.999,00 €`, `19,99`."""
    if isinstance(value, (bool, int, float, Decimal)):
        return number(value)
    written = re.sub(r"[^\d.,+-]", "", text(value))
    if not re.fullmatch(r"[+-]?[\d.,]*\d[\d.,]*", written):
        return None
    separator = max(written.rfind("."), written.rfind(","))
    if separator >= 0:
        sign = written[separator]
        is_grouping = written.count(sign) > 1 or (
            sign == "," and len(written) - separator == 4 and "." not in written
        )
        whole = re.sub(r"[.,]", "", written[:separator])
        rest = re.sub(r"[.,]", "", written[separator + 1 :])
        written = f"{whole}{rest}" if is_grouping else f"{whole or 0}.{rest or 0}"
    return number(written)


def to_minor(amount: Decimal, currency: str, unit: Unit) -> tuple[int, bool]:
    """Return an amount in minor units, and whether that is exact but for a computer's rounding."""
    exact = amount if unit == "minor" else amount.scaleb(decimals(currency))
    whole = exact.quantize(Decimal(1), ROUND_HALF_UP)
    return int(whole), abs(exact - whole) < Decimal("0.01")


def unit_of(declared: str, amounts: Iterable[Amount]) -> Unit | None:
    """Return what the declared type and the values of one column alone prove."""
    if _DECIMAL_TYPE.search(declared):
        return "decimal"
    known = [amount for amount in amounts if amount.has_units]
    broken = [amount for amount in known if _has_decimals(amount, declared)]
    # In a column of whole numbers a single fraction may be the slip, not the rule.
    if broken and (2 * len(broken) > len(known) or not _WHOLE_TYPE.search(declared)):
        return "decimal"
    if not broken and any(_is_too_little(amount) for amount in known):
        return "decimal"
    return None


def needs_unit(amounts: Iterable[Amount]) -> bool:
    """Return whether any amount depends on the unit."""
    return any(amount.has_units for amount in amounts)


def compared(
    prices: Iterable[Amount],
    price_unit: Unit | None,
    paid: Iterable[Amount],
    paid_unit: Unit | None,
) -> tuple[Unit | None, Unit | None]:
    """Return the units of prices and of what was paid for them, as far as one tells the other.

    Who pays 1999 for a course of 19.99 or 20 pays in cents; who pays 20 for 20, in the same unit.
    """
    of_course = {each.course: each.number for each in prices if each.has_units}
    same = hundredfold = 0
    for each in paid:
        price, number_paid = of_course.get(each.course), each.number
        if price is None or number_paid is None or not each.has_units:
            continue
        same += number_paid == price
        hundredfold += number_paid == (price * 10 ** decimals(each.currency)).quantize(Decimal(1))
    if same and not hundredfold:
        return price_unit or paid_unit, paid_unit or price_unit
    if hundredfold and not same:
        return price_unit or "decimal", paid_unit or "minor"
    return price_unit, paid_unit


def _has_decimals(amount: Amount, declared: str) -> bool:
    found = amount.number
    if found is None:
        return False
    if found != found.to_integral_value():
        return True
    is_text = isinstance(amount.written, str) and not _FLOATING_TYPE.search(declared)
    return (
        is_text and _WRITTEN_WITH_DECIMALS.search(line(amount.written).rstrip(" €$£")) is not None
    )


def _is_too_little(amount: Amount) -> bool:
    """Whether Stripe took less of the minor unit than it takes at all."""
    known, found = CURRENCIES.get(amount.currency), amount.number
    return amount.is_stripes and known is not None and found is not None and found < known.least


def question(columns: Mapping[str, Iterable[str]]) -> str:
    """Return what the owner is asked about these columns, with some of their values."""
    shown = "; ".join(f"{name} ({', '.join(values)})" for name, values in columns.items())
    return (
        f"Are these amounts decimal (20 is 20.00) or in minor units (2000 is 20.00)? {shown}."
        " Until you say which, such courses are drafts that nobody can join, and such payments are"
        " not imported."
    )
