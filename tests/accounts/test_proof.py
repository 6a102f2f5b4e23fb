"""Fresh proof that it is still the same person."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pyotp import TOTP

from lms import accounts
from lms.accounts.second_step import Typed
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import Invalid, RateLimited, WrongCode
from tests.accounts.factors import EMAIL, KEYS, LIMIT, PASSWORD, add_app, add_passkey, answer, step
from tests.authenticator import Passkey


def test_fresh_proof_lasts_ten_minutes_and_is_renewed_by_password_code_or_passkey(
    user_id: int, passkey: Passkey
) -> None:
    secret, _ = add_app(user_id)
    add_passkey(user_id, passkey)
    found = signed_in(step(TOTP(secret).at(now())))
    assert found is not None
    mine = (user_id, found.sign_in_id)

    def by_password() -> None:
        accounts.prove_by_password(*mine, PASSWORD, limit=LIMIT)

    def by_code() -> None:
        accounts.prove_by_factor(*mine, Typed(TOTP(secret).at(now()), KEYS), limit=LIMIT)

    def by_passkey() -> None:
        accounts.prove_by_factor(*mine, answer(passkey), limit=LIMIT)

    moment = now()
    assert accounts.is_fresh(found.sign_in_id)
    for prove in (by_password, by_code, by_passkey):
        with at(moment + timedelta(minutes=9)):
            assert accounts.is_fresh(found.sign_in_id)
        moment += timedelta(minutes=10, seconds=1)
        with at(moment):
            assert not accounts.is_fresh(found.sign_in_id)
            prove()
            assert accounts.is_fresh(found.sign_in_id)


def test_a_wrong_proof_counts_and_proves_nothing(user_id: int) -> None:
    found = signed_in(accounts.sign_in(EMAIL, PASSWORD, limit=LIMIT))
    assert found is not None
    with at(now() + timedelta(minutes=11)):
        for _ in range(10):
            with pytest.raises(Invalid, match="current password"):
                accounts.prove_by_password(user_id, found.sign_in_id, "a guess", limit=LIMIT)
        with pytest.raises(RateLimited):
            accounts.prove_by_password(user_id, found.sign_in_id, PASSWORD, limit=LIMIT)
        with pytest.raises(WrongCode):
            accounts.prove_by_factor(
                user_id, found.sign_in_id, Typed("123456", KEYS), limit=replace(LIMIT, address="x")
            )
        assert not accounts.is_fresh(found.sign_in_id)


def test_nobody_else_s_sign_in_is_proved(user_id: int) -> None:
    found = signed_in(accounts.sign_in(EMAIL, PASSWORD, limit=LIMIT))
    assert found is not None
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    with at(now() + timedelta(minutes=11)):
        accounts.prove_by_password(other, found.sign_in_id, PASSWORD, limit=LIMIT)
        assert not accounts.is_fresh(found.sign_in_id)
