"""New recovery codes: whoever makes them for somebody else is noticed."""

from datetime import timedelta

import pytest
from flask import Flask

from lms import accounts
from lms.accounts.factors import Here
from lms.db import at, now
from lms.queries.people import signed_in
from tests.accounts.test_second_factors import EMAIL, PASSWORD, Sql, add_app, step


@pytest.fixture
def user_id(context: Flask) -> int:
    return accounts.create_account(email=EMAIL, name="X", password=PASSWORD)


def test_new_recovery_codes_end_the_other_sessions_and_are_told(user_id: int, sql: Sql) -> None:
    _, codes = add_app(user_id)
    here = step(codes[0])
    began = now()
    for minute in (0, 1, 10):
        with at(began + timedelta(minutes=minute)):
            elsewhere = step(codes[1])
            mine = signed_in(here)
            assert mine is not None
            page = Here(mine.sign_in_id, "https://learn.school.test/profile")
            codes = accounts.make_recovery_codes(user_id, here=page)
            assert signed_in(elsewhere) is None
            assert signed_in(here) is not None
    told = sql("SELECT subject, link FROM outbox_emails WHERE key LIKE 'recovery-codes-made-%'")
    assert {tuple(mail) for mail in told} == {
        ("New recovery codes were made for your account", page.address)
    }
    assert 2 <= len(told) <= 3  # not each time, though minute 1 may be of the next five
    made = sql("SELECT * FROM audit_entries WHERE action = 'factor.new_recovery_codes'")
    assert len(made) == 3
