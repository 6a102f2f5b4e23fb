"""A person with second factors, and their steps, below the web."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pyotp import TOTP

from lms import accounts
from lms.accounts import codes
from lms.accounts.factors import Here
from lms.accounts.links import Account
from lms.accounts.passkeys import Answered, Party
from lms.accounts.second_step import Typed
from lms.db import at, now
from lms.refusals import SecondFactorNeeded
from tests.authenticator import Passkey

LIMIT = accounts.SignInLimit(rule="10 per minute", address="192.0.2.1", secret="a secret")
PASSWORD = "a long enough password"
EMAIL = "x@example.org"
KEYS = ["the key of this year"]
PARTY = Party("learn.school.test", "https://learn.school.test", "School")
HERE = Here(0, "https://learn.school.test/profile")
Sql = Callable[..., list[Any]]


def add_app(user_id: int, name: str = "Phone") -> tuple[str, list[str]]:
    """Add an app as of five minutes ago, so that its present codes are new."""
    secret = codes.new_secret()
    with at(now() - timedelta(minutes=5)):
        code = TOTP(secret).at(now())
        made = accounts.add_app(user_id, secret=secret, code=code, name=name, here=HERE, keys=KEYS)
    return secret, made


def add_passkey(user_id: int, passkey: Passkey) -> list[str]:
    challenge = secrets.token_bytes(32)
    answered = Answered(passkey.create(challenge), challenge, PARTY)
    return accounts.add_passkey(user_id, answered, name="Key", here=HERE)


def half_way(password: str = PASSWORD) -> Account:
    """Send the right password, and return who has taken the first step."""
    with pytest.raises(SecondFactorNeeded) as needed:
        accounts.sign_in(EMAIL, password, limit=LIMIT)
    found = needed.value
    account = Account(found.user_id, found.email, "", found.password_hash, is_proven=True)
    state = accounts.second_step(account, keys=KEYS)
    known = accounts.halfway(state, keys=KEYS)
    assert known is not None
    return known


def step(code: str, *, keys: list[str] = KEYS) -> str:
    return accounts.take_second_step(half_way(), Typed(code, keys), limit=LIMIT)


def answer(passkey: Passkey, *, verified: bool = True) -> Answered:
    challenge = secrets.token_bytes(32)
    return Answered(passkey.get(challenge, verified=verified), challenge, PARTY)
