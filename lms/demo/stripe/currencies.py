"""Currencies that Stripe takes, and how many decimals each has there."""

import re
from decimal import Decimal

_NO_DECIMALS = frozenset(
    re.findall(r"[a-z]+", "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
)
_THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
_TWO_DECIMALS = frozenset(
    re.findall(
        r"[a-z]+",
        """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf
        chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg
        huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur
        mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd
        scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd
        yer zar zmw
        """,
    )
)
SUPPORTED = _NO_DECIMALS | _THREE_DECIMALS | _TWO_DECIMALS

SMALLEST = 50
"""Stripe's minimum is about half a dollar; the exact amount differs by currency."""
LARGEST = 99_999_999


def shown(amount: int, currency: str) -> str:
    """Return an amount of minor units as people write it: 4,900 JPY, 49.00 EUR."""
    decimals = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return f"{Decimal(amount).scaleb(-decimals):,.{decimals}f} {currency.upper()}"
