"""Sign-ins below the web: what the database keeps, and what happens at the same time."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from lms import accounts, enrollment
from lms.accounts import passwords
from lms.accounts.sign_in import IDLE, LIFETIME
from lms.db import at, now
from lms.models import Role
from lms.queries.people import signed_in, token_hash
from lms.refusals import Invalid, RateLimited, Refusal, ResetNotPossible, WrongCredentials
from tests.patience import PATIENCE

LIMIT = accounts.SignInLimit(rule="10 per minute", address="192.0.2.1", secret="a secret")
PASSWORD = "a long enough password"
SECRET = "another secret"


def _sign_in(email: str = "x@example.org", password: str = PASSWORD) -> str:
    return accounts.sign_in(email, password, limit=LIMIT)


@pytest.fixture
def user_id(context: Flask) -> int:
    return accounts.create_account(email="X@example.org", name="X", password=PASSWORD)


def test_the_database_keeps_no_password_and_no_token(user_id: int, sql: Any) -> None:
    token = _sign_in()
    stored = sql("SELECT email, password_hash FROM users")[0]
    assert stored.email == "x@example.org"
    assert stored.password_hash.startswith("$argon2id$")
    assert sql("SELECT token_hash FROM sign_ins") == [(token_hash(token),)]


@pytest.mark.parametrize("role", ["student", "admin"])
def test_a_sign_in_that_is_not_used_ends_and_is_cleared_away(
    user_id: int, sql: Any, role: Role
) -> None:
    sql("UPDATE users SET role = :role", role=role)
    with at(now() - IDLE[role] + timedelta(minutes=1)):
        fresh = _sign_in()
    with at(now() - IDLE[role] - timedelta(minutes=1)):
        old = _sign_in()
    assert signed_in(fresh) is not None
    assert signed_in(old) is None
    [row] = sql("SELECT id FROM sign_ins WHERE token_hash = :hash", hash=token_hash(old))
    accounts.note_use(row.id, began_at=now(), role=role)  # by a page that was read just before
    assert signed_in(old) is None
    _sign_in()
    assert sql("SELECT count(*) FROM sign_ins")[0][0] == 2


def test_a_sign_in_in_use_lasts_fourteen_days_and_no_longer(user_id: int, sql: Any) -> None:
    began = now() - LIFETIME
    with at(began + timedelta(seconds=2)):
        token = _sign_in()
    for day in range(1, 15):
        with at(began + timedelta(days=day)):
            found = signed_in(token)
            assert found is not None
            accounts.note_use(found.sign_in_id, began_at=found.began_at, role="student")
    with at(began + LIFETIME + timedelta(seconds=3)):
        assert signed_in(token) is None


def test_only_one_s_own_sign_ins_can_be_ended_one_by_one(user_id: int, sql: Any) -> None:
    other = accounts.create_account(email="y@example.org", name="Y", password=PASSWORD)
    first, second, others = _sign_in(), _sign_in(), _sign_in("y@example.org")
    number = signed_in(second)
    assert number is not None
    accounts.end_sign_in(other, number.sign_in_id)
    assert signed_in(second) is not None
    accounts.end_sign_in(user_id, number.sign_in_id)
    assert signed_in(second) is None
    assert signed_in(first) is not None
    third = _sign_in()
    kept = signed_in(first)
    assert kept is not None
    accounts.end_other_sign_ins(user_id, but=kept.sign_in_id)
    assert [signed_in(token) is not None for token in (first, third, others)] == [True, False, True]


def test_a_hash_of_other_parameters_is_renewed_at_sign_in(
    user_id: int, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sql("SELECT password_hash FROM users")[0][0]
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(2, 16, 1))
    _sign_in()
    after = sql("SELECT password_hash FROM users")[0][0]
    assert before != after
    assert "t=2" in after
    _sign_in()
    assert sql("SELECT password_hash FROM users")[0][0] == after


def test_production_hashes_with_the_library_s_parameters() -> None:
    assert PasswordHasher().memory_cost >= 19_456  # OWASP's least
    script = "from lms.accounts.passwords import _hasher as h; print(h.memory_cost, h.time_cost)"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert printed.stdout.split() == [b"65536", b"3"]


def test_an_account_without_a_password_cannot_be_signed_in_to(user_id: int, sql: Any) -> None:
    sql("UPDATE users SET password_hash = ''")
    for password in ("", PASSWORD):
        with pytest.raises(WrongCredentials):
            _sign_in(password=password)


def test_one_e_mail_registers_once_however_many_try_at_once(context: Flask, sql: Any) -> None:
    def register(number: int) -> None:
        with context.app_context():
            accounts.register(
                email="Same@Example.org",
                name=f"Name {number}",
                password=PASSWORD,
                link=str,
                sign_in_page="",
                secret=SECRET,
                place="a place",
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(register, range(8)))
    assert sql("SELECT email, email_verified_at FROM users") == [("same@example.org", None)]


def test_guesses_at_the_same_time_are_counted_one_by_one(
    context: Flask, user_id: int, sql: Any
) -> None:
    def guess(number: int) -> type[Refusal]:
        with context.app_context():
            try:
                _sign_in(password=f"guess {number}")
            except Refusal as refusal:
                return type(refusal)
            raise AssertionError("a guess cannot succeed")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(30)))
    assert answers.count(WrongCredentials) == 10
    assert answers.count(RateLimited) == 20


def test_the_right_password_is_refused_while_the_limit_is_reached(user_id: int) -> None:
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            _sign_in(password="wrong guess")
    with pytest.raises(RateLimited) as refused:
        _sign_in()
    assert 55 <= refused.value.retry_after <= 60
    with at(now() + timedelta(seconds=61)):
        _sign_in()


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(1, "1 second"), (60, "60 seconds"), (120, "2 minutes"), (3601, "61 minutes")],
)
def test_how_long_to_wait_is_said_in_words(seconds: int, wait: str) -> None:
    assert RateLimited(seconds).detail == f"Too many attempts. Wait {wait} and try again."


def test_failures_are_cleared_away_and_tell_no_account(user_id: int, sql: Any) -> None:
    with at(now() - timedelta(hours=2)), pytest.raises(WrongCredentials):
        _sign_in("old@example.org", "wrong guess")
    with pytest.raises(WrongCredentials):
        _sign_in(password="wrong guess")
    assert len(_keys(sql)) == 7  # one address, and of each account: pair, account, seen
    accounts.forget_allowances()
    left = _keys(sql)
    assert sorted(key.partition(":")[0] for key in left) == [
        *("account", "pair", "seen", "sign-in accounts/100 in 600"),
    ]
    assert not any(told in key for key in left for told in ("example", "192.0.2"))


def _keys(sql: Any) -> list[str]:
    return [row.key for row in sql("SELECT key FROM allowances")]


def test_a_password_change_while_signing_in_wins(
    user_id: int, context: Flask, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = PasswordHasher.verify
    verified, changed = threading.Event(), threading.Event()

    def verify_slowly(*arguments: Any) -> Any:
        result = verify(*arguments)
        verified.set()
        assert changed.wait(PATIENCE)
        return result

    monkeypatch.setattr(PasswordHasher, "verify", verify_slowly)

    def sign_in() -> None:
        with context.app_context():
            _sign_in()

    with ThreadPoolExecutor(1) as pool:
        signing_in = pool.submit(sign_in)
        assert verified.wait(PATIENCE)
        sql("UPDATE users SET password_hash = :new", new=passwords.hash_password("another one"))
        changed.set()
        with pytest.raises(WrongCredentials):
            signing_in.result()
    assert sql("SELECT * FROM sign_ins") == []


def test_password_changes_are_in_the_audit_trail_without_secrets(user_id: int, sql: Any) -> None:
    accounts.change_password(user_id, current=PASSWORD, new="quite another", limit=LIMIT)
    token = _request_reset()
    accounts.reset_password(token, "the third one", secret=SECRET)
    rows = sql("SELECT action, reason, details FROM audit_entries ORDER BY id")
    assert [row.action for row in rows] == [
        "user.added",
        "password.changed",
        "password.reset_requested",
        "password.reset",
    ]
    assert not any(word in str(rows) for word in ("quite another", "third", "argon2", token))


def test_a_reset_link_works_for_an_hour_and_for_one_change(user_id: int) -> None:
    token = _request_reset()
    accounts.check_reset(token, secret=SECRET)
    with pytest.raises(ResetNotPossible):
        accounts.check_reset(token, secret="a changed SECRET_KEY")
    accounts.change_password(user_id, current=PASSWORD, new="quite another", limit=LIMIT)
    with pytest.raises(ResetNotPossible):
        accounts.reset_password(token, "the third one", secret=SECRET)


def test_an_old_reset_link_is_refused(user_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    token = _request_reset()
    for seconds, works in ((3590, True), (3610, False)):
        later = now().timestamp() + seconds
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda later=later: later)
        if works:
            accounts.check_reset(token, secret=SECRET)
        else:
            with pytest.raises(ResetNotPossible):
                accounts.check_reset(token, secret=SECRET)


def test_a_deactivated_person_gets_no_reset(user_id: int, sql: Any) -> None:
    token = _request_reset()
    enrollment.deactivate_user(user_id, by=None)
    with pytest.raises(ResetNotPossible):
        accounts.reset_password(token, "the third one", secret=SECRET)
    sql("DELETE FROM outbox_emails")
    accounts.request_password_reset("x@example.org", link=str, secret=SECRET, place="a place")
    assert sql("SELECT * FROM outbox_emails") == []


def test_asking_often_sends_one_e_mail(user_id: int, sql: Any) -> None:
    with at(now().replace(minute=1, second=0)):
        for _ in range(3):
            _request_reset()
    assert sql("SELECT count(*) FROM outbox_emails")[0][0] == 1


@pytest.mark.parametrize(
    "email",
    [
        "someone@example.com",
        "x@test.local",
        "x@school.test",
        "x@localhost",
        "x@example.org",
        "first.last+tag@sub.example.co.uk",
        "o'brien@example.org",
        "schüler@schule.example",
        " Padded@Example.Org ",
    ],
)
def test_addresses_of_schools_are_accepted(context: Flask, email: str, sql: Any) -> None:
    accounts.create_account(email=email, name="X", password=PASSWORD)
    assert sql("SELECT email FROM users") == [(email.strip().lower(),)]


@pytest.mark.parametrize(
    "email", ["", "x", "@", "x@", "@example.org", "a b@example.org", "x@exa mple.org", "x@[1.2.3.4"]
)
def test_what_is_no_address_is_refused(context: Flask, email: str) -> None:
    with pytest.raises(Invalid, match="e-mail"):
        accounts.create_account(email=email, name="X", password=PASSWORD)


def _request_reset() -> str:
    tokens: list[str] = []

    def link(token: str) -> str:
        tokens.append(token)
        return f"https://portal.test/reset/{token}"

    accounts.request_password_reset("X@Example.org ", link=link, secret=SECRET, place="a place")
    return tokens[0]
