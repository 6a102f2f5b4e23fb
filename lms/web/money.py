"""Amounts as people read them; everything else keeps minor units with their currency."""

_SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}
# The currencies that Stripe counts in other units than hundredths.
_WHOLE = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
_THOUSANDTHS = "bhd jod kwd omr tnd"


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as text, such as €49.00, ¥3,000 or CHF 12.50."""
    decimals = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    sign = _SIGNS.get(currency, f"{currency.upper()}\N{NO-BREAK SPACE}")
    return f"{sign}{amount / 10**decimals:,.{decimals}f}"
