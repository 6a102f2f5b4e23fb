"""better-auth keeps passwords in `account`, beside `user`: both tables as 1.7 writes them."""

from typing import Any

import pytest

from lms import accounts
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import outcome
from tests.old_hashes import PASSWORD, WRITTEN

DATE = "2026-01-02T03:04:05.000Z"


def _user(number: int, **more: Any) -> dict[str, Any]:
    person = {"id": f"u{number}", "name": f"P{number}", "email": f"p{number}@example.org"}
    return {**person, "emailVerified": 1, "createdAt": DATE, "updatedAt": DATE, **more}


def _account(number: int, user: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "accountId": f"u{user}",
        "providerId": "credential",
        "userId": f"u{user}",
        "accessTokenExpiresAt": None,
        "password": None,
        "createdAt": DATE,
        "updatedAt": DATE,
        **more,
    }


def test_people_sign_in_with_the_password_that_lies_beside_them(bring_in: Import, sql: Sql) -> None:
    report = bring_in(
        {
            "user": [_user(1), _user(2), _user(3)],
            "account": [
                _account(1, 2, providerId="google", accessTokenExpiresAt=DATE),
                _account(2, 1, password=WRITTEN["better-auth"]),
                _account(3, 3, password="0123456789abcdef" * 2),
                _account(4, 9, password=WRITTEN["better-auth"]),
            ],
        }
    )
    assert accounts.has_password("p1@example.org", PASSWORD)
    assert sql("SELECT count(*) FROM users WHERE password_hash = ''") == [(2,)]
    assert report.without_password == 2
    assert outcome(report, "credentials", "a2").startswith("merged")
    assert "can't be verified" in outcome(report, "credentials", "a3")
    assert outcome(report, "credentials", "a4") == "refused: its student does not exist"
    assert report.questions == []
    assert report.created + report.merged + report.repaired + report.refused == report.read == 7


@pytest.mark.parametrize("own", [WRITTEN["bcryptjs"], ""])
def test_a_password_of_their_own_comes_first(own: str, bring_in: Import, sql: Sql) -> None:
    bring_in(
        {
            "user": [_user(1, passwordHash=own)],
            "account": [_account(1, 1, password=WRITTEN["php"])],
        }
    )
    assert sql("SELECT password_hash FROM users") == [(own or WRITTEN["php"],)]
