"""Amounts as people read them; everything else keeps minor units with their currency."""

_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}
# The currencies that Stripe counts in other units than hundredths.
_WHOLE = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as text, such as €49.00, ¥3,000 or CHF 12.50."""
    digits = decimals(currency)
    sign = _SIGNS.get(currency, f"{currency.upper()}\N{NO-BREAK SPACE}")
    return f"{sign}{amount / 10**digits:,.{digits}f}"


def decimals(currency: str) -> int:
    """Return how many digits of the minor unit a currency has: 2 of EUR, 0 of JPY."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
