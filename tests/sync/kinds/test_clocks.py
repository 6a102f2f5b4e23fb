"""Days that are not those of the school's zone."""

import pytest
from flask import Flask

from lms import enrollment, sync
from lms.db import db
from lms.ledger.counting import differences
from lms.models import DailyCount
from lms.times import clock_changes
from tests.conftest import Sql
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School

ZONE = "Europe/Berlin"


@injection(undo="partly")
def clocks_drift(damage: Damage, _: School) -> None:
    damage.run(
        "INSERT INTO clock_changes (begins_at, ahead_seconds, zone)"
        " VALUES ('1970-01-01 00:00:00.000000', 20700, 'Asia/Kathmandu')"
    )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE clock_changes SET ahead_seconds = ahead_seconds + 7200",
        "DELETE FROM clock_changes WHERE begins_at > '2020-01-01'",
        "DELETE FROM clock_changes",
        "UPDATE clock_changes SET zone = 'Europe/Paris'",
    ],
)
def test_clocks_that_are_not_those_of_the_zone_are_found_and_set_again(
    school: School, sql: Sql, change: str
) -> None:
    _set_again(school, sql, change)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE clock_changes SET ahead_seconds = ahead_seconds + 0.5",
        "UPDATE clock_changes SET begins_at = replace(begins_at, ' ', 'T')",
        "UPDATE clock_changes SET begins_at = substr(begins_at, 1, 19)",
    ],
)
def test_clocks_that_only_read_like_those_of_the_zone_are_set_again(
    school: School, sql: Sql, change: str
) -> None:
    _set_again(school, sql, change)


def _set_again(school: School, sql: Sql, change: str) -> None:
    enrollment.change_settings({"time_zone": ZONE}, seen=0, by=school.grace)
    assert sync.validate().ok
    db.session.rollback()
    sql(change)
    assert sync.validate().counts["clocks_drift"] == 1
    db.session.rollback()
    result = sync.auto_fix(by=None)
    assert not any(result.remaining.values())
    assert sync.validate().ok
    kept = sql("SELECT ahead_seconds FROM clock_changes ORDER BY begins_at")
    assert [row.ahead_seconds for row in kept] == [ahead for _, ahead in clock_changes(ZONE)]


def test_a_zone_of_the_environment_is_found_missing(
    school: School, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", ZONE)
    [found] = [check for check in sync.validate().checks if check.count]
    assert (found.kind, found.count) == ("clocks_drift", 2)
    assert {(each.expected, each.actual) for each in found.sample} == {
        (f"{what} in {ZONE}", f"{what} in UTC") for what in ("days", "months")
    }
    assert sync.auto_fix(by=None).fixed["clocks_drift"] == 2
    assert db.session.execute(differences(DailyCount)).all() == []


def test_once_the_zone_is_followed_what_was_found_is_outdated(
    school: School, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", ZONE)
    sync.validate_anew()
    assert not sync.latest().is_outdated
    db.session.rollback()
    assert sync.ZoneFollower().follow()
    assert sync.latest().is_outdated
