"""Several open a new school at the same moment: it gets one first admin."""

from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from lms import accounts
from tests.conftest import Sql
from tests.faults.racers import Race, Racers, call, sound_races

N = 8


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


def test_a_school_gets_one_first_admin(race: Race, app: Flask, sql: Sql) -> None:
    secret = app.config["SECRET_KEY"]
    token = accounts.setup_token(secret=secret)
    owner = {"name": "Owner", "password": "four words it is", "secret": secret}
    calls = [
        call("lms.accounts:open_school", token, email=f"owner{n}@school.test", **owner)
        for n in range(N)
    ]
    outcomes = race(calls)
    assert Counter(each.refusal for each in outcomes) == {None: 1, "SchoolIsOpen": N - 1}
    assert len(sql("SELECT * FROM users")) == len(sql("SELECT * FROM sign_ins")) == 1
