"""The same code, and the same answer of a passkey, in two processes at once: one gets in."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from pyotp import TOTP

from lms import accounts
from lms.accounts import codes
from lms.accounts.factors import Here
from lms.accounts.links import Account
from lms.accounts.passkeys import Answered, Party
from lms.accounts.second_step import Typed
from lms.db import at, db, now
from lms.models import User
from tests.authenticator import Passkey
from tests.conftest import Sql
from tests.faults.racers import Race, Racers, call, sound_races

N = 12
KEYS = ["a key"]
LIMIT = accounts.SignInLimit(rule="1000 per minute", address="192.0.2.1", secret="a secret")
PARTY = Party("school.test", "https://school.test", "School")
HERE = Here(0, "")


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


@pytest.fixture
def account(context: Flask) -> Account:
    user_id = accounts.create_account(email="x@example.org", name="X", password="four words it is")
    password_hash = db.session.get_one(User, user_id).password_hash
    return Account(user_id, "x@example.org", "X", password_hash, is_proven=True)


def test_a_code_works_once(race: Race, account: Account, sql: Sql) -> None:
    secret, recovery = _add_app(account.id)
    for code, refusal in ((TOTP(secret).at(now()), "CodeUsed"), (recovery[0], "WrongCode")):
        sql("DELETE FROM sign_ins")
        step = call("lms.accounts:take_second_step", account, Typed(code, KEYS), limit=LIMIT)
        outcomes = race([step] * N)
        assert Counter(each.refusal for each in outcomes) == {None: 1, refusal: N - 1}
        assert len(sql("SELECT id FROM sign_ins")) == 1


def test_an_answer_of_a_passkey_works_once(race: Race, account: Account, sql: Sql) -> None:
    passkey = Passkey(rp_id=PARTY.id, origin=PARTY.origin, counts=False)
    accounts.add_passkey(account.id, _answered(passkey.create), name="Key", here=HERE)
    outcomes = race([call("lms.accounts:sign_in_by_passkey", _answered(passkey.get))] * N)
    assert Counter(each.refusal for each in outcomes) == {None: 1, "PasskeyRefused": N - 1}
    assert len(sql("SELECT id FROM sign_ins")) == 1


def test_of_two_factors_removed_at_once_one_stays_where_it_is_required(
    race: Race, account: Account, sql: Sql
) -> None:
    for _ in range(2):
        _add_app(account.id)
    removals = [
        call("lms.accounts:remove_factor", account.id, row.id, here=HERE, is_required=True)
        for row in sql("SELECT id FROM second_factors")
    ]
    outcomes = race(removals)
    assert Counter(each.refusal for each in outcomes) == {None: 1, "LastFactor": 1}
    assert len(sql("SELECT id FROM second_factors")) == 1


def _add_app(user_id: int) -> tuple[str, list[str]]:
    secret = codes.new_secret()
    with at(now() - timedelta(minutes=5)):  # so that the present codes are new
        code = TOTP(secret).at(now())
        made = accounts.add_app(user_id, secret=secret, code=code, name="A", here=HERE, keys=KEYS)
    return secret, made


def _answered(respond: Callable[[bytes], str]) -> Answered:
    challenge = secrets.token_bytes(32)
    return Answered(respond(challenge), challenge, PARTY)
