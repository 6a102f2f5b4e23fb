"""People of an old school sign in with the password they had, and get a hash of today then."""

from typing import Any

import pytest

from lms import accounts, hashes
from lms.refusals import WrongCredentials
from tests.old_hashes import LONG, OF_LONG, PASSWORD, WRITTEN

EMAIL = "kim@example.org"
LIMIT = accounts.SignInLimit(rule="10 per minute", address="192.0.2.1", secret="a secret")
FOREIGN = [name for name in WRITTEN if "argon2" not in name and name != "a blank after it"]


def _sign_in(password: str) -> str:
    return accounts.sign_in(EMAIL, password, limit=LIMIT)


def _kim_with(sql: Any, stored: str) -> None:
    accounts.create_account(
        email=EMAIL, name="Kim", password="four unrelated words", role="student"
    )
    sql("UPDATE users SET password_hash = :stored", stored=stored)


@pytest.mark.parametrize("written", FOREIGN)
@pytest.mark.usefixtures("context")
def test_the_first_sign_in_renews_the_hash(written: str, sql: Any) -> None:
    stored = hashes.kept(WRITTEN[written])
    _kim_with(sql, stored)
    with pytest.raises(WrongCredentials):
        _sign_in(PASSWORD.upper())
    assert sql("SELECT password_hash FROM users") == [(stored,)]
    _sign_in(PASSWORD)
    [(renewed,)] = sql("SELECT password_hash FROM users")
    assert renewed.startswith("$argon2id$")
    _sign_in(PASSWORD)
    with pytest.raises(WrongCredentials):
        _sign_in(PASSWORD.upper())


@pytest.mark.usefixtures("context")
def test_a_password_that_bcrypt_had_cut_counts_whole_from_then_on(sql: Any) -> None:
    _kim_with(sql, OF_LONG)
    _sign_in(LONG)
    with pytest.raises(WrongCredentials):
        _sign_in(LONG[:72])
    _sign_in(LONG)
