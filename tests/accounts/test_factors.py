"""Second factors added, renamed and removed, and what follows."""

from datetime import timedelta
from typing import Any

import pytest
from pyotp import TOTP

from lms import accounts
from lms.accounts import codes
from lms.accounts.factors import MOST_FACTORS, Here
from lms.accounts.sign_in import add_sign_in
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import FactorKnown, Invalid, LastFactor, WrongCode
from lms.transaction import transactional
from tests.accounts.factors import (
    EMAIL,
    HERE,
    KEYS,
    LIMIT,
    PASSWORD,
    Sql,
    add_app,
    add_passkey,
    step,
)
from tests.authenticator import Passkey


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


def test_factors_go_with_their_person(user_id: int, sql: Sql) -> None:
    add_app(user_id)
    sql("DELETE FROM users WHERE id = :id", id=user_id)
    assert sql("SELECT * FROM second_factors") == sql("SELECT * FROM recovery_codes") == []
