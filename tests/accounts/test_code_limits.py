"""Tries at the codes of an app are few, and whoever uses them up locks nobody else out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pyotp import TOTP

from lms import accounts
from lms.accounts.limit import SignInLimit
from lms.accounts.links import Account
from lms.accounts.second_step import Typed
from lms.db import at, now
from lms.refusals import PasskeyRefused, RateLimited, WrongCode
from tests.accounts.factors import KEYS, LIMIT, PARTY, add_app, add_passkey, answer, half_way
from tests.authenticator import Passkey


@pytest.fixture
def secret(user_id: int) -> str:
    return add_app(user_id)[0]


@pytest.fixture
def used_up(secret: str) -> Iterator[Account]:
    """Whoever has the password has guessed codes all day; half an hour later it is the owner."""
    account = half_way()
    use_up_a_day(account)
    with at(now() + timedelta(minutes=30)):
        yield account


def use_up_a_day(account: Account, limit: SignInLimit = LIMIT) -> None:
    began = now()
    for minute in range(0, 10, 2):
        with at(began + timedelta(minutes=minute)):
            guess(account, limit, times=10)


def guess(account: Account, limit: SignInLimit = LIMIT, *, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(WrongCode):
            accounts.take_second_step(account, Typed("000000000", KEYS), limit=limit)


def known(account: Account, mark: str) -> SignInLimit:
    """Return the limit as a browser meets it that has signed in before."""
    return replace(LIMIT, marks={account.id: mark})


def right(secret: str) -> Typed:
    return Typed(TOTP(secret).at(now()), KEYS)


def test_a_day_of_guesses_is_used_up_wherever_they_come_from(used_up: Account, secret: str) -> None:
    for elsewhere in (LIMIT, replace(LIMIT, address="192.0.2.77")):
        with pytest.raises(RateLimited) as refused:
            accounts.take_second_step(used_up, right(secret), limit=elsewhere)
        assert refused.value.retry_after > 20 * 3600


def test_a_browser_that_is_known_has_tries_of_its_own(used_up: Account, secret: str) -> None:
    at_school = known(used_up, "at school")
    guess(used_up, at_school, times=10)
    with pytest.raises(RateLimited):
        accounts.take_second_step(used_up, right(secret), limit=at_school)
    assert accounts.take_second_step(used_up, right(secret), limit=known(used_up, "at home"))


def test_a_new_password_ends_the_tries_that_were_counted(used_up: Account, secret: str) -> None:
    another = "quite another one"
    accounts.set_password(used_up.id, another, by=None, reason="somebody knew it")
    assert accounts.take_second_step(half_way(another), right(secret), limit=LIMIT)


def test_new_passwords_give_no_tries_without_end(used_up: Account, secret: str) -> None:
    """Whoever reads the mail could choose one after the other."""
    for number in range(9):
        use_up_a_day(used_up, known(used_up, f"browser {number}"))
    accounts.set_password(used_up.id, "quite another one", by=None, reason="somebody knew it")
    account = half_way("quite another one")
    for limit in (LIMIT, known(account, "the owner's")):
        with pytest.raises(RateLimited):
            accounts.take_second_step(account, right(secret), limit=limit)


def test_what_nobody_guesses_is_neither_limited_nor_counted(user_id: int) -> None:
    passkey = Passkey(rp_id=PARTY.id, origin=PARTY.origin)
    secret, recovery = add_app(user_id)
    add_passkey(user_id, passkey)
    account = half_way()
    stranger = Passkey(rp_id=PARTY.id, origin=PARTY.origin)
    for _ in range(11):
        with pytest.raises(WrongCode):
            accounts.take_second_step(account, Typed("abcdef-" * 4, KEYS), limit=LIMIT)
        with pytest.raises(PasskeyRefused):
            accounts.take_second_step(account, answer(stranger), limit=LIMIT)
    assert accounts.take_second_step(account, right(secret), limit=LIMIT)
    use_up_a_day(account)
    assert accounts.take_second_step(account, answer(passkey), limit=LIMIT)
    use_up_a_day(account)
    for code in recovery[:2]:
        assert accounts.take_second_step(account, Typed(code, KEYS), limit=LIMIT)
        use_up_a_day(account)
