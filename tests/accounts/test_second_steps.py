"""The step after the password: codes of apps and recovery codes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pyotp import TOTP

from lms import accounts
from lms.accounts import codes
from lms.accounts.links import opened
from lms.accounts.second_step import STEP_SECONDS, Typed
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import CodeUsed, RateLimited, WrongCode
from tests.accounts.factors import EMAIL, HERE, KEYS, LIMIT, PASSWORD, Sql, add_app, half_way, step


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
