"""Amounts as people read them; everything else keeps minor units with their currency."""

DEFAULT_CURRENCY = "eur"
_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}
# How Stripe counts, which is not ISO 4217 everywhere: ISK and UGX have no minor unit in daily life,
# yet Stripe still counts them in hundredths.
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
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
_THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


def is_currency(text: str) -> bool:
    """Return whether a text has the form of a currency as it is stored."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.islower()


def decimals(currency: str) -> int:
    """Return how many decimals Stripe's smallest unit of a currency stands for."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as text, such as €49.00, ¥3,000 or CHF 12.50."""
    sign = _SIGNS.get(currency, f"{currency.upper()}\N{NO-BREAK SPACE}")
    return f"{sign}{plain(amount, currency, separator=',')}"


def plain(amount: int, currency: str, *, separator: str = "") -> str:
    """Return an amount in minor units as a bare number, such as 49.00, for tables and exports."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount), 10**places)
    sign = "-" if amount < 0 else ""
    text = f"{whole:,}".replace(",", separator)
    return f"{sign}{text}.{rest:0{places}}" if places else f"{sign}{text}"
