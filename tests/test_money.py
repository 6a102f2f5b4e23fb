"""Amounts, and which of them Stripe charges."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.currencies import CURRENCIES, Currency
from lms.money import MAX_PRICE, decimals, is_currency, is_sold, money, plain, prices


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (4900, "eur", "€49.00"),
        (3000, "jpy", "¥3,000"),
        (4900, "kwd", "KWD\N{NO-BREAK SPACE}4.900"),
        (1000, "isk", "ISK\N{NO-BREAK SPACE}10.00"),
        (123_456_789, "usd", "$1,234,567.89"),
        (-4900, "chf", "\N{MINUS SIGN}CHF\N{NO-BREAK SPACE}49.00"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_the_table_has_each_currency_once_with_a_rule_that_can_be_met() -> None:
    assert len(CURRENCIES) == 139
    assert all(is_currency(code) for code in CURRENCIES)
    for code, known in CURRENCIES.items():
        assert known.least % known.step == 0, code
        assert is_sold(known.least, code)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        # Of https://docs.stripe.com/currencies: each kind once, and each minimum.
        ("eur", Currency(2, 1, 50)),
        ("usd", Currency(2, 1, 50)),
        ("gbp", Currency(2, 1, 30)),
        ("aed", Currency(2, 1, 200)),
        ("dkk", Currency(2, 1, 250)),
        ("sek", Currency(2, 1, 300)),
        ("hkd", Currency(2, 1, 400)),
        ("thb", Currency(2, 1, 1000)),
        ("czk", Currency(2, 1, 1500)),
        ("huf", Currency(2, 1, 17500)),
        ("jpy", Currency(0, 1, 50)),
        ("vnd", Currency(0, 1, 1)),
        ("kwd", Currency(3, 10, 10)),
        ("isk", Currency(2, 100, 100)),
        ("ugx", Currency(2, 100, 100)),
        ("twd", Currency(2, 1, 1)),
    ],
)
def test_a_currency_is_counted_as_stripe_counts_it(code: str, rule: Currency) -> None:
    assert CURRENCIES[code] == rule


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *((1005, "kwd"), (1050, "isk"), (100_050, "ugx"), (30, "usd"), (29, "gbp")),
        *((4900, "xxx"), (MAX_PRICE + 1, "usd"), (0, "eur"), (-4900, "eur")),
    ],
)
def test_what_stripe_never_charges_is_no_price(amount: int, currency: str) -> None:
    assert not is_sold(amount, currency)


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(-200, MAX_PRICE + 200))
def test_a_price_is_sold_exactly_if_its_rule_says_so(currency: str, amount: int) -> None:
    known = CURRENCIES[currency]
    assert is_sold(amount, currency) == (
        amount >= known.least and amount <= MAX_PRICE and amount % known.step == 0
    )


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(0, MAX_PRICE))
def test_an_amount_is_read_back_as_it_was_written(currency: str, amount: int) -> None:
    assert Decimal(plain(amount, currency)).scaleb(decimals(currency)) == amount


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_what_is_said_to_be_accepted_is(currency: str) -> None:
    said = prices(currency).replace(",", "").replace("\N{NO-BREAK SPACE}", " ").split()
    bare = [Decimal(word.strip("€$£¥.")) for word in said if any(c.isdigit() for c in word)]
    zero, least, most, step = (int(amount.scaleb(decimals(currency))) for amount in bare)
    assert zero == 0
    assert is_sold(least, currency)
    assert is_sold(most, currency)
    assert not is_sold(least - step, currency)
    assert not is_sold(most + step, currency)
    assert is_sold(most - step, currency)
