"""What a password must be, in whichever way it is chosen, and in which form it is kept."""

import unicodedata
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from lms import accounts
from lms.accounts.passwords import check_password, hash_password
from lms.demo.logins import LOGINS
from lms.models import Role
from lms.queries.people import signed_in
from lms.refusals import Invalid, WrongCredentials

LIMIT = accounts.SignInLimit(rule="10 per minute", address="192.0.2.1", secret="a secret")
PASSWORD = "a long enough password"
SECRET = "another secret"
DECOMPOSED = unicodedata.normalize("NFD", "grün größer äpfel")
COMPOSED = unicodedata.normalize("NFC", DECOMPOSED)

COMMON = (
    "password1",
    "football",
    "iloveyou1",
    "admin123",
    "PassW0rd",
    "  Trustno1 ",
    "pass-word!",
    "dragon!!",
    "qwertzuiop",
    "aaaaaaaa",
    "abababab",
    "abcdefgh",
    "76543210",
    "P@ssw0rd!",
    "".join(chr(ord(letter) + 0xFEE0) for letter in "password"),  # as full-width keyboards send it
)
GUESSABLE = (
    "Johannes Müller",
    "zoë-johannes",
    "ZOE_JOHANNES_7",
    "müller2026",
    "zj.mueller99!",
    "northfield",
    "Springfield-High",
    "springfield2026",
    "zoe12345",
)


def _sign_in(password: str) -> str:
    return accounts.sign_in("zj.mueller@northfield.example", password, limit=LIMIT)


def _open(password: str = PASSWORD, role: Role = "student") -> int:
    return accounts.create_account(
        email="ZJ.Mueller@northfield.example",
        name="Zoë Johannes Müller",
        password=password,
        role=role,
    )


@pytest.fixture
def school(context: Flask) -> None:
    context.config["SCHOOL_NAME"] = "Springfield High"


@pytest.mark.parametrize("role", ["student", "admin"])
@pytest.mark.usefixtures("school")
def test_a_new_account_takes_no_password_that_is_tried_first(role: Role, sql: Any) -> None:
    for password in COMMON:
        with pytest.raises(Invalid, match=r"too common\. Choose another, such as four unrelated"):
            _open(password, role)
    for password in GUESSABLE:
        with pytest.raises(Invalid, match=r"too easy to guess .* such as four unrelated words"):
            _open(password, role)
    assert sql("SELECT count(*) FROM users") == [(0,)]


@pytest.mark.parametrize("role", ["student", "admin"])
@pytest.mark.usefixtures("school")
def test_nor_does_any_later_change_of_it(role: Role) -> None:
    user_id = _open(role=role)
    for password in (COMMON[0], GUESSABLE[0]):
        with pytest.raises(Invalid, match="four unrelated words"):
            accounts.change_password(user_id, current=PASSWORD, new=password, limit=LIMIT)
        with pytest.raises(Invalid, match="four unrelated words"):
            accounts.reset_password(_reset_token(), password, secret=SECRET)
        with pytest.raises(Invalid, match="four unrelated words"):
            accounts.set_password(user_id, password, by=None, reason="")
    assert signed_in(_sign_in(PASSWORD)) is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "zoe likes purple rain",
        "zoe password",
        "springfield tigers 7",
        "🐙🦊🐢🍕🚀🎈🎸1",
        "!?#$(%&)=",
        "зелёная лампа",
        "緑の猫と青い空と海",
        "lamp meadow " * 10,
    ],
)
@pytest.mark.usefixtures("school")
def test_what_nobody_tries_first_is_accepted(password: str) -> None:
    check_password(password, email="zj.mueller@northfield.example", name="Zoë Johannes Müller")


@pytest.mark.usefixtures("context")
def test_at_least_ten_thousand_common_passwords_are_known_of_those_long_enough() -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - half a second to load

    long_enough = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]
    assert len(long_enough) > 10_000
    for password in long_enough:
        with pytest.raises(Invalid, match="too common"):
            check_password(password, email="", name="")


@pytest.mark.usefixtures("context")
def test_the_logins_of_the_demo_keep_the_rule() -> None:
    for _, email, password in LOGINS:
        check_password(password, email=email, name="Sam Okafor")


@pytest.mark.usefixtures("context")
def test_length_is_that_of_the_form_which_is_kept() -> None:
    with pytest.raises(Invalid, match="at least 8"):
        check_password(unicodedata.normalize("NFD", "äöüßéèà"), email="", name="")
    with pytest.raises(Invalid, match="at most 128"):
        check_password("ﷺ" * 8, email="", name="")  # each is a sentence of 18 letters


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
@pytest.mark.usefixtures("context")
def test_a_password_may_be_typed_in_either_form(chosen: str, typed: str) -> None:
    user_id = _open(chosen)
    assert signed_in(_sign_in(typed)) is not None
    with pytest.raises(Invalid, match="already your password"):
        accounts.change_password(user_id, current=chosen, new=typed, limit=LIMIT)
    accounts.change_password(user_id, current=typed, new=PASSWORD, limit=LIMIT)


@pytest.mark.usefixtures("context")
def test_a_hash_of_the_raw_form_is_renewed_at_the_first_sign_in(sql: Any) -> None:
    _open()
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(DECOMPOSED)
    sql("UPDATE users SET password_hash = :old", old=old)
    with pytest.raises(WrongCredentials):
        _sign_in(COMPOSED)
    _sign_in(DECOMPOSED)
    renewed = sql("SELECT password_hash FROM users")[0][0]
    assert renewed != old
    _sign_in(COMPOSED)
    _sign_in(DECOMPOSED)
    assert sql("SELECT password_hash FROM users") == [(renewed,)]


@pytest.mark.parametrize("password", ["wrong guess", DECOMPOSED])
@pytest.mark.usefixtures("context")
def test_a_wrong_password_costs_as_much_for_known_and_unknown(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _open()
    hash_password(PASSWORD)
    costs = []
    for email in ("zj.mueller@northfield.example", "nobody@northfield.example"):
        costs.append(0)
        verify = PasswordHasher.verify

        def counting(*arguments: Any, verify: Any = verify) -> Any:
            costs[-1] += 1
            return verify(*arguments)

        monkeypatch.setattr(PasswordHasher, "verify", counting)
        with pytest.raises(WrongCredentials):
            accounts.sign_in(email, password, limit=LIMIT)
        monkeypatch.undo()
    assert costs == [2 if password == DECOMPOSED else 1] * 2


def _reset_token() -> str:
    tokens: list[str] = []

    def link(token: str) -> str:
        tokens.append(token)
        return f"https://portal.test/reset/{token}"

    accounts.request_password_reset(
        "zj.mueller@northfield.example", link=link, secret=SECRET, place="a place"
    )
    return tokens[0]
