"""Amounts as people read them; everything else keeps minor units with their currency."""

from lms.currencies import CURRENCIES

DEFAULT_CURRENCY = "eur"
MAX_PRICE = 99_999_999
"""Stripe's largest amount, in minor units of most currencies."""
_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}


def is_currency(text: str) -> bool:
    """Return whether a text has the form of a currency as it is stored."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.islower()


def decimals(currency: str) -> int:
    """Return how many decimals Stripe's smallest unit of a currency stands for."""
    known = CURRENCIES.get(currency)
    return 2 if known is None else known.decimals


def is_sold(amount: int, currency: str) -> bool:
    """Return whether Stripe charges such an amount, as far as that is known beforehand."""
    known = CURRENCIES.get(currency)
    return known is not None and known.least <= amount <= MAX_PRICE and amount % known.step == 0


def is_in_steps(amount: int, currency: str) -> bool:
    """Return whether there is such an amount in a currency."""
    known = CURRENCIES.get(currency)
    return known is None or amount % known.step == 0


def steps(currency: str) -> str:
    """Say which amounts there are in a currency of the table."""
    step = money(CURRENCIES[currency].step, currency)
    return f"Enter an amount in steps of {step}, the smallest that {currency.upper()} allows here."


def prices(currency: str) -> str:
    """Say which prices a course can have in a currency that Stripe takes."""
    known = CURRENCIES[currency]
    most = MAX_PRICE - MAX_PRICE % known.step
    least, largest, step = (money(each, currency) for each in (known.least, most, known.step))
    return f"Enter 0 for a free course, or a price from {least} to {largest} in steps of {step}."


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as text, such as €49.00, ¥3,000 or CHF 12.50."""
    sign = _SIGNS.get(currency, f"{currency.upper()}\N{NO-BREAK SPACE}")
    minus = "\N{MINUS SIGN}" if amount < 0 else ""
    return f"{minus}{sign}{plain(abs(amount), currency, separator=',')}"


def plain(amount: int, currency: str, *, separator: str = "") -> str:
    """Return an amount in minor units as a bare number, such as 49.00, for tables and exports."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount), 10**places)
    sign = "-" if amount < 0 else ""
    text = f"{whole:,}".replace(",", separator)
    return f"{sign}{text}.{rest:0{places}}" if places else f"{sign}{text}"
