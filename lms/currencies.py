"""The currencies that Stripe takes: how it counts each, in what steps, and the least it charges.

Source: https://docs.stripe.com/currencies, as of 2026-07-10: its sections 'Supported presentment
currencies', 'Zero-decimal currencies', 'Special cases' and 'Minimum and maximum charge amounts';
for three decimals, its section of that name as of 2022-12-31, which the present page no longer has
for accounts in Europe. Stripe counts otherwise than ISO 4217: ISK and UGX in hundredths, of which
only whole hundreds are taken, and thousandths in tens. BGN ended with 2025 and is not among them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Currency:
    """How Stripe takes a currency; amounts in its minor units."""

    decimals: int
    """How many of them the minor unit stands for."""
    step: int
    """An amount must be a multiple of it."""
    least: int
    """What Stripe charges at least, if paid out in this currency.

    For one that is converted, the equivalent of the other's minimum counts, which Stripe alone
    knows; for one that is never paid out, any amount may be above it.
    """


_STEPS = {
    # Of how many decimals, and in which steps: whose currencies.
    (0, 1): "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf",
    (3, 10): "bhd jod kwd omr tnd",
    (2, 100): "isk ugx",
    (2, 1): """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd bwp byn bzd cad cdf
        chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg
        huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr
        mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr
        sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer
        zar zmw
    """,
}
_LEAST = {
    50: "ars aud brl cad chf cop eur idr ils inr jpy krw nzd php rub sgd usd zar",
    30: "gbp",
    200: "aed myr pln ron",
    250: "dkk",
    300: "nok sek",
    400: "hkd",
    1000: "mxn thb",
    1500: "czk",
    17500: "huf",
}
_LEAST_OF = {code: least for least, codes in _LEAST.items() for code in codes.split()}
CURRENCIES = {
    code: Currency(decimals, step, _LEAST_OF.get(code, step))
    for (decimals, step), codes in _STEPS.items()
    for code in codes.split()
}
