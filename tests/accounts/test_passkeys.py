"""Passkeys below the web: what counts as one, and how often."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from lms import accounts
from lms.accounts.passkeys import Answered
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import PasskeyRefused
from tests.accounts.factors import HERE, LIMIT, PARTY, PASSWORD, Sql, add_passkey, answer, half_way
from tests.authenticator import Passkey


def test_a_passkey_is_a_second_factor(user_id: int, passkey: Passkey) -> None:
    add_passkey(user_id, passkey)
    taken = accounts.take_second_step(half_way(), answer(passkey, verified=False), limit=LIMIT)
    assert signed_in(taken) is not None


def test_a_passkey_that_knows_its_owner_signs_in_alone(user_id: int, passkey: Passkey) -> None:
    add_passkey(user_id, passkey)
    found = signed_in(accounts.sign_in_by_passkey(answer(passkey)))
    assert found is not None
    assert found.id == user_id
    with pytest.raises(PasskeyRefused):
        accounts.sign_in_by_passkey(answer(passkey, verified=False))


@pytest.mark.parametrize("state", ["is_active = :no", "email_verified_at = NULL"])
def test_a_passkey_lets_nobody_in_whom_a_password_would_not(
    user_id: int, passkey: Passkey, sql: Sql, state: str
) -> None:
    add_passkey(user_id, passkey)
    no = {"no": False} if ":no" in state else {}
    sql(f"UPDATE users SET {state}", **no)
    with pytest.raises(PasskeyRefused):
        accounts.sign_in_by_passkey(answer(passkey))


@pytest.mark.parametrize("counts", [True, False])
def test_a_challenge_is_answered_once(user_id: int, sql: Sql, counts: bool) -> None:
    passkey = Passkey(rp_id=PARTY.id, origin=PARTY.origin, counts=counts)
    add_passkey(user_id, passkey)
    answered = answer(passkey)
    accounts.sign_in_by_passkey(answered)
    with pytest.raises(PasskeyRefused):
        accounts.sign_in_by_passkey(answered)
    accounts.sign_in_by_passkey(answer(passkey))
    assert sql("SELECT count(*) FROM spent_challenges")[0][0] == 2
    with at(now() + timedelta(minutes=11)):
        accounts.sign_in_by_passkey(answer(passkey))
    assert sql("SELECT count(*) FROM spent_challenges")[0][0] == 1
    with at(now() + timedelta(minutes=22)):
        assert accounts.forget_expired()["spent_challenges"] == 1
    assert sql("SELECT count(*) FROM spent_challenges")[0][0] == 0


def test_a_passkey_that_counts_backwards_was_copied(
    user_id: int, passkey: Passkey, capsys: pytest.CaptureFixture[str]
) -> None:
    add_passkey(user_id, passkey)
    accounts.sign_in_by_passkey(answer(passkey))
    for count in (2, 0):  # as often as it last said, and what keys say that don't count
        passkey.count = count
        with pytest.raises(PasskeyRefused):
            accounts.sign_in_by_passkey(answer(passkey))
        assert "a passkey may have been copied" in capsys.readouterr().err
    passkey.count = 100
    accounts.sign_in_by_passkey(answer(passkey))


def test_an_answer_is_good_for_this_portal_this_challenge_and_this_person(
    user_id: int, passkey: Passkey
) -> None:
    add_passkey(user_id, passkey)
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    others = Passkey(rp_id=PARTY.id, origin=PARTY.origin)
    add_passkey(other, others)
    right = answer(passkey)
    unknown = Passkey(rp_id=PARTY.id, origin=PARTY.origin)
    phished = Passkey(rp_id=PARTY.id, origin="https://evil.test")
    phished.id, phished.key = passkey.id, passkey.key
    forged = Passkey(rp_id=PARTY.id, origin=PARTY.origin)
    forged.id = passkey.id
    wrong = (
        replace(right, challenge=secrets.token_bytes(32)),
        replace(right, party=replace(PARTY, id="evil.test")),
        answer(phished),
        answer(unknown),
        answer(others),
        answer(forged),
        *(replace(right, credential=text) for text in ("", "[]", "{}", "[" * 5000, '{"id": 1}')),
        replace(right, credential=right.credential.replace('"rawId"', '"raw"')),
    )
    account = half_way()
    for answered in wrong:
        with pytest.raises(PasskeyRefused):
            accounts.take_second_step(account, answered, limit=LIMIT)
    accounts.take_second_step(account, right, limit=LIMIT)


def test_what_is_no_passkey_is_not_kept(user_id: int, passkey: Passkey, sql: Sql) -> None:
    challenge = secrets.token_bytes(32)
    made = passkey.create(challenge)
    for credential, asked in ((made, b"another challenge"), ("{}", challenge), ("x", challenge)):
        answered = Answered(credential, asked, PARTY)
        with pytest.raises(PasskeyRefused):
            accounts.add_passkey(user_id, answered, name="Key", here=HERE)
    assert sql("SELECT * FROM second_factors") == []
