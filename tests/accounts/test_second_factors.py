"""Second factors below the web: what is kept, what counts as one, and what follows."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pyotp import TOTP

from lms import accounts
from lms.accounts import codes
from lms.accounts.factors import MOST_FACTORS, Here
from lms.accounts.links import Account, opened
from lms.accounts.passkeys import Answered, Party
from lms.accounts.second_step import STEP_SECONDS, Typed
from lms.accounts.sign_in import add_sign_in
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import (
    CodeUsed,
    FactorKnown,
    Invalid,
    LastFactor,
    NoFactor,
    PasskeyRefused,
    RateLimited,
    SecondFactorNeeded,
    WrongCode,
)
from lms.transaction import transactional
from tests.authenticator import Passkey

LIMIT = accounts.SignInLimit(rule="10 per minute", address="192.0.2.1", secret="a secret")
PASSWORD = "a long enough password"
EMAIL = "x@example.org"
KEYS = ["the key of this year"]
PARTY = Party("learn.school.test", "https://learn.school.test", "School")
HERE = Here(0, "https://learn.school.test/profile")
Sql = Callable[..., list[Any]]


@pytest.fixture
def user_id(context: Flask) -> int:
    return accounts.create_account(email=EMAIL, name="X", password=PASSWORD)


@pytest.fixture
def passkey() -> Passkey:
    return Passkey(rp_id=PARTY.id, origin=PARTY.origin)


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


def test_without_a_factor_the_password_is_enough(user_id: int) -> None:
    assert signed_in(accounts.sign_in(EMAIL, PASSWORD, limit=LIMIT)) is not None


def test_after_the_password_alone_no_session_exists(user_id: int, sql: Sql) -> None:
    secret, _ = add_app(user_id)
    half_way()
    assert sql("SELECT * FROM sign_ins") == []
    found = signed_in(step(TOTP(secret).at(now())))
    assert found is not None
    assert found.id == user_id


def test_the_first_step_is_good_for_ten_minutes_and_for_this_password(
    user_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_app(user_id)
    state = accounts.second_step(half_way(), keys=KEYS)
    assert accounts.halfway(state, keys=["another key"]) is None
    assert opened(state, "password-reset", secret=KEYS, valid_seconds=600) is None
    later = now().timestamp() + STEP_SECONDS + 2
    with monkeypatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: later)
        assert accounts.halfway(state, keys=KEYS) is None
    assert accounts.halfway(state, keys=KEYS) is not None
    accounts.change_password(user_id, current=PASSWORD, new="quite another", limit=LIMIT)
    assert accounts.halfway(state, keys=KEYS) is None


def test_a_code_is_accepted_once(user_id: int) -> None:
    secret, _ = add_app(user_id)
    code = TOTP(secret).at(now())
    step(code)
    with pytest.raises(CodeUsed):
        step(code)
    with at(now() + timedelta(seconds=30)):
        step(TOTP(secret).at(now()))


def test_the_code_that_set_an_app_up_is_spent(user_id: int) -> None:
    secret = codes.new_secret()
    code = TOTP(secret).at(now())
    accounts.add_app(user_id, secret=secret, code=code, name="Phone", here=HERE, keys=KEYS)
    with pytest.raises(CodeUsed):
        step(code)


@pytest.mark.parametrize(
    ("steps", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_phone_s_clock_may_be_one_step_off(user_id: int, steps: int, works: bool) -> None:
    secret, _ = add_app(user_id)
    code = TOTP(secret).at(now() + timedelta(seconds=30 * steps))
    if works:
        step(code)
    else:
        with pytest.raises(WrongCode):
            step(code)


def test_a_code_may_be_typed_with_blanks(user_id: int) -> None:
    secret, _ = add_app(user_id)
    code = TOTP(secret).at(now())
    step(f" {code[:3]} {code[3:]} ")


def test_each_of_several_apps_works(user_id: int) -> None:
    first, _ = add_app(user_id)
    second, made = add_app(user_id, "Tablet")
    assert made == []
    step(TOTP(second).at(now()))
    step(TOTP(first).at(now()))


@pytest.mark.parametrize("typed", ["", "123", "not a code", "١٢٣٤٥٦", "\x00", "9" * 10_000])
def test_what_is_no_code_is_refused(user_id: int, typed: str) -> None:
    add_app(user_id)
    with pytest.raises(WrongCode):
        step(typed)


def test_wrong_codes_are_limited_and_the_right_one_then_waits_too(user_id: int) -> None:
    secret, _ = add_app(user_id)
    account = half_way()
    for _ in range(10):
        with pytest.raises(WrongCode):
            accounts.take_second_step(account, Typed("000000000", KEYS), limit=LIMIT)
    right = Typed(TOTP(secret).at(now()), KEYS)
    for elsewhere in (LIMIT, replace(LIMIT, address="192.0.2.77")):
        with pytest.raises(RateLimited) as refused:
            accounts.take_second_step(account, right, limit=elsewhere)
        assert 50 <= refused.value.retry_after <= 60


def test_the_database_keeps_neither_an_app_s_secret_nor_a_recovery_code(
    user_id: int, sql: Sql
) -> None:
    secret, made = add_app(user_id)
    step(TOTP(secret).at(now()))
    tables = ("second_factors", "recovery_codes", "audit_entries", "outbox_emails")
    kept = str([sql(f"SELECT * FROM {table}") for table in tables])
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in made)


def test_ten_recovery_codes_come_with_the_first_factor_and_each_works_once(
    user_id: int, sql: Sql
) -> None:
    _, made = add_app(user_id)
    assert len(set(made)) == 10
    step(made[0].upper().replace("-", " "))
    with pytest.raises(WrongCode):
        step(made[0])
    step(made[1])
    assert sql("SELECT count(*) FROM recovery_codes")[0][0] == 8
    mails = sql("SELECT body FROM outbox_emails WHERE key LIKE 'recovery-code-%' ORDER BY id")
    assert ["9 codes" in mails[0].body, "8 codes" in mails[1].body] == [True, True]


def test_a_recovery_code_is_of_one_person(user_id: int) -> None:
    add_app(user_id)
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    _, made = add_app(other)
    with pytest.raises(WrongCode):
        step(made[0])


def test_new_recovery_codes_end_the_old_ones(user_id: int) -> None:
    with pytest.raises(NoFactor):
        accounts.make_recovery_codes(user_id, here=HERE)
    _, old = add_app(user_id)
    new = accounts.make_recovery_codes(user_id, here=HERE)
    with pytest.raises(WrongCode):
        step(old[0])
    step(new[0])


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


def test_the_same_factor_cannot_be_added_twice(user_id: int, passkey: Passkey) -> None:
    add_passkey(user_id, passkey)
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    for somebody in (user_id, other):
        with pytest.raises(FactorKnown):
            add_passkey(somebody, passkey)


def test_a_wrong_code_sets_no_app_up_and_nobody_has_endless_factors(user_id: int) -> None:
    with pytest.raises(Invalid, match="clock"):
        accounts.add_app(
            user_id, secret=codes.new_secret(), code="000000", name="P", here=HERE, keys=KEYS
        )
    for _ in range(MOST_FACTORS):
        add_app(user_id)
    with pytest.raises(Invalid, match="Remove one"):
        add_app(user_id)


@transactional
def _signed_in_elsewhere(session: Any, user_id: int, token: str) -> None:
    add_sign_in(session, user_id, token)


def test_adding_and_removing_a_factor_ends_the_other_sessions_and_is_told(
    user_id: int, sql: Sql
) -> None:
    _signed_in_elsewhere(user_id, "this browser")
    for change in ("add", "remove"):
        _signed_in_elsewhere(user_id, "another browser")
        mine = signed_in("this browser")
        assert mine is not None
        here = Here(mine.sign_in_id, "https://learn.school.test/profile")
        if change == "add":
            secret = codes.new_secret()
            code = TOTP(secret).at(now())
            accounts.add_app(
                user_id, secret=secret, code=code, name="My phone", here=here, keys=KEYS
            )
        else:
            factor_id = sql("SELECT id FROM second_factors")[0].id
            accounts.remove_factor(user_id, factor_id, here=here, is_required=False)
            accounts.remove_factor(user_id, factor_id, here=here, is_required=False)
        assert signed_in("another browser") is None
        assert signed_in("this browser") is not None
    told = sql("SELECT subject, body, link FROM outbox_emails ORDER BY id")
    assert [mail.subject for mail in told] == [
        "A second factor was added to your account",
        "A second factor was removed from your account",
    ]
    assert all("My phone" in mail.body and "/profile" in mail.link for mail in told)
    trail = [row.action for row in sql("SELECT action FROM audit_entries ORDER BY id")]
    assert trail == ["user.added", "factor.added", "factor.removed"]
    assert sql("SELECT * FROM recovery_codes") == []


def test_the_last_factor_stays_where_one_is_required(user_id: int, sql: Sql) -> None:
    add_app(user_id, "Old phone")
    add_app(user_id, "New phone")
    old, new = (row.id for row in sql("SELECT id FROM second_factors ORDER BY id"))
    accounts.remove_factor(user_id, old, here=HERE, is_required=True)
    with pytest.raises(LastFactor):
        accounts.remove_factor(user_id, new, here=HERE, is_required=True)
    assert sql("SELECT name FROM second_factors") == [("New phone",)]
    assert sql("SELECT count(*) FROM recovery_codes")[0][0] == 10


def test_only_one_s_own_factors_can_be_changed(user_id: int, sql: Sql) -> None:
    add_app(user_id)
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    factor_id = sql("SELECT id FROM second_factors")[0].id
    accounts.remove_factor(other, factor_id, here=HERE, is_required=False)
    accounts.rename_factor(other, factor_id, "Mine now")
    assert sql("SELECT name FROM second_factors") == [("Phone",)]
    accounts.rename_factor(user_id, factor_id, "Old phone")
    assert sql("SELECT name FROM second_factors") == [("Old phone",)]


def test_an_admin_removes_the_factors_of_who_has_lost_them(user_id: int, sql: Sql) -> None:
    add_app(user_id)
    _signed_in_elsewhere(user_id, "a browser")
    admin = accounts.create_account(
        email="a@example.org", name="A", password=PASSWORD, role="admin"
    )
    assert accounts.reset_factors(user_id, by=admin, address="", reason="Lost phone") == 1
    assert accounts.reset_factors(user_id, by=admin, address="", reason="Lost phone") == 0
    assert signed_in("a browser") is None
    [entry] = sql("SELECT actor_id, reason FROM audit_entries WHERE action = 'factor.reset'")
    assert (entry.actor_id, entry.reason) == (admin, "Lost phone")
    accounts.sign_in(EMAIL, PASSWORD, limit=LIMIT)


def test_secrets_outlive_a_rotated_key(user_id: int, sql: Sql) -> None:
    secret, _ = add_app(user_id)
    rotating = [*KEYS, "the key of next year"]
    step(TOTP(secret).at(now()), keys=rotating)
    assert accounts.reseal(KEYS) == 0
    assert accounts.reseal(rotating) == 1
    assert accounts.reseal(rotating) == 0
    with at(now() + timedelta(seconds=60)):
        step(TOTP(secret).at(now()), keys=rotating[1:])
    with at(now() + timedelta(seconds=120)), pytest.raises(WrongCode):
        step(TOTP(secret).at(now()), keys=["a key that never was"])


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


def test_factors_go_with_their_person(user_id: int, sql: Sql) -> None:
    add_app(user_id)
    sql("DELETE FROM users WHERE id = :id", id=user_id)
    assert sql("SELECT * FROM second_factors") == sql("SELECT * FROM recovery_codes") == []
