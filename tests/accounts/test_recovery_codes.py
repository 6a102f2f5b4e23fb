"""Recovery codes: each works once, new ones are noticed, none outlives its factors."""

from datetime import timedelta

import pytest

from lms import accounts
from lms.accounts.factors import Here
from lms.db import at, now
from lms.queries.people import signed_in
from lms.refusals import NoFactor, WrongCode
from tests.accounts.factors import HERE, PASSWORD, Sql, add_app, step


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
        ("New recovery codes were created for your account", page.address)
    }
    assert 2 <= len(told) <= 3  # not each time, though minute 1 may be of the next five
    made = sql("SELECT * FROM audit_entries WHERE action = 'factor.new_recovery_codes'")
    assert len(made) == 3


def test_no_recovery_code_outlives_the_factors_that_the_school_removes(
    user_id: int, sql: Sql
) -> None:
    _, lost = add_app(user_id)
    assert accounts.reset_factors(user_id, by=None, address="") == 1
    assert sql("SELECT * FROM recovery_codes") == []
    _, made = add_app(user_id)
    assert len(made) == 10
    with pytest.raises(WrongCode):
        step(lost[0])
    step(made[0])
