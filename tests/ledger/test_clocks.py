"""Each row counts on the day that it was in the school's zone; no time is changed for it."""

import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import text

from lms import enrollment, sync
from lms.db import at, db, now, writer
from lms.ledger import clocks
from lms.ledger.counting import differences
from lms.models import DailyCount
from lms.queries import analytics
from lms.queries.analytics.period import period
from lms.times import clock_changes, day_of, start_of
from lms.transaction import transactional
from tests.builders import a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.patience import comes
from tests.spellings import other_forms

pytestmark = pytest.mark.usefixtures("context")
POSTGRESQL = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
WAITS = "SELECT 1 FROM pg_locks WHERE relation = 'daily_counts'::regclass AND NOT granted"
WAIT_AT_ALL = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
ZONES = (
    *("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"),
    *("Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"),
)
ROWS = 25
DAY, HOUR, INSTANT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)


@pytest.mark.parametrize("zone", ZONES)
def test_each_row_counts_on_its_day_in_the_zone(sql: Sql, zone: str) -> None:
    random = Random(zone)  # noqa: S311 - no secret
    admin, course = an_admin(), a_public_course()
    for _ in range(ROWS):
        enrollment.enroll(a_student(), course, by=None)
    moments = _moments(zone)
    for begun in (False, True):  # counted again as the zone changes, then by the triggers
        chosen = random.sample(moments, ROWS)
        _enroll_at(sql, chosen, random)
        if not begun:
            _move(sql, zone, by=admin)
        assert _days(sql, "enrolled") == Counter(day_of(moment, zone) for moment in chosen)
        assert _wrong() == []
    first, last = min(chosen), max(chosen)
    for course_id in (None, course):
        shown = analytics.figures(period(day_of(first, zone), day_of(last, zone)), course_id)
        in_time = [each for each in chosen if day_of(each, zone) >= shown.period.starts_on]
        assert (shown.period.time_zone, shown.enrollments) == (zone, len(in_time))
    sql("DELETE FROM enrollments")
    assert _days(sql, "enrolled") == {}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_have_23_or_25_hours(sql: Sql, day: date, hours: int) -> None:
    zone, course = "Europe/Berlin", a_public_course()
    _move(sql, zone, by=an_admin())
    begins_at = start_of(day, zone)
    for number in range(-1, hours + 1):
        with at(begins_at + number * HOUR):
            enrollment.enroll_directly(a_student(), course)
    shown = analytics.figures(period(day - DAY, day + DAY, step="day"), course)
    assert [point.enrollments for point in shown.points] == [1, hours, 1]


def test_who_finishes_on_monday_morning_in_auckland_is_counted_on_monday(sql: Sql) -> None:
    _move(sql, "Pacific/Auckland", by=an_admin())
    course, student = a_public_course(chapters=1), a_student()
    with at(datetime(2026, 11, 15, 20, 30, tzinfo=UTC)):  # in Auckland it is half past nine
        enrollment.enroll_directly(student, course)
        enrollment.complete_chapter(student, sql("SELECT id FROM chapters")[0].id)
    monday = date(2026, 11, 16)
    shown = analytics.figures(period(monday, monday + DAY, step="week"))
    assert [(point.starts_on, point.completions) for point in shown.points] == [(monday, 1)]


def test_another_zone_moves_the_figures_and_no_time(sql: Sql) -> None:
    admin, course = an_admin(), a_public_course(chapters=1)
    with at(datetime(2026, 11, 15, 20, 30, tzinfo=UTC)):
        enrollment.enroll_directly(a_student(), course)
    times = "SELECT enrolled_at, completed_at FROM enrollments"
    before, figures = sql(times), _days(sql, "enrolled")
    for zone, day in (("Pacific/Auckland", 16), ("America/New_York", 15), (None, 15)):
        _move(sql, zone, by=admin)
        assert (sql(times), _wrong()) == (before, [])
        assert _days(sql, "enrolled") == {date(2026, 11, day): 1}
    assert _days(sql, "enrolled") == figures
    assert sql("SELECT count(*) FROM clock_changes") == [(0,)]


def test_a_period_ends_on_the_day_that_it_is_in_the_school(sql: Sql) -> None:
    _move(sql, "Pacific/Auckland", by=an_admin())
    with at(datetime(2026, 11, 15, 20, 30, tzinfo=UTC)):
        chosen = period(None, None)
    assert (chosen.ends_on, chosen.time_zone) == (date(2026, 11, 16), "Pacific/Auckland")


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_who_is_at_risk_depends_on_no_zone(sql: Sql, zone: str) -> None:
    _move(sql, zone, by=an_admin())
    course, quiet = a_public_course(chapters=1), now() - timedelta(days=14)
    for hours in range(-30, 31, 3):
        with at(quiet + timedelta(hours=hours, seconds=9)):
            enrollment.enroll_directly(a_student(), course)
    for chosen in (None, course):
        shown = analytics.figures(period(None, None), chosen).at_risk
        assert shown.total == len(shown.students) == 10


def test_a_big_school_is_left_to_the_worker(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    enrollment.enroll(a_student(), a_public_course(), by=None)
    monkeypatch.setattr(clocks, "MOST_AT_ONCE", 0)
    _move(sql, "Europe/Berlin", by=an_admin())
    assert period(None, None).time_zone == "UTC"
    db.session.rollback()
    follower = sync.ZoneFollower()
    assert [follower.follow(), follower.follow()] == [True, False]
    assert period(None, None).time_zone == "Europe/Berlin"
    assert _wrong() == []


def test_a_school_of_many_requests_is_left_to_the_worker(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "MOST_AT_ONCE", 2)
    admin, courses = an_admin(), [a_course() for _ in range(3)]
    for course in courses[:2]:
        a_request(a_student(), course)
    _move(sql, "Europe/Berlin", by=admin)
    assert period(None, None).time_zone == "Europe/Berlin"
    db.session.rollback()
    a_request(a_student(), courses[2])
    _move(sql, "Europe/Paris", by=admin)
    assert period(None, None).time_zone == "Europe/Berlin"


def test_a_zone_of_the_environment_is_followed(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(datetime(2026, 11, 15, 20, 30, tzinfo=UTC)):
        enrollment.enroll(a_student(), a_public_course(), by=None)
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "Asia/Kathmandu")
    follower = sync.ZoneFollower()
    assert [follower.follow(), follower.follow()] == [True, False]
    assert _days(sql, "enrolled") == {date(2026, 11, 16): 1}


@POSTGRESQL
def test_what_is_being_counted_meanwhile_is_waited_for(sql: Sql, context: Flask) -> None:
    admin, course = an_admin(), a_public_course()
    for _ in range(2):
        enrollment.enroll(a_student(), course, by=None)
    change = text("UPDATE enrollments SET enrolled_at = '2026-11-15 20:30:00+00:00'")
    with writer(db.engine).begin() as connection:
        connection.execute(change)
        moving = threading.Thread(target=_in_context, args=(context, sql, admin))
        moving.start()
        assert comes(lambda: sql(WAITS))
    moving.join()
    assert (_days(sql, "enrolled"), _wrong()) == ({date(2026, 11, 16): 2}, [])


@POSTGRESQL
def test_who_reads_clocks_and_sums_holds_up_no_change_of_the_zone(sql: Sql) -> None:
    admin = an_admin()
    enrollment.enroll(a_student(), a_public_course(), by=None)
    with db.engine.begin() as reader:
        for table in ("clock_changes", "daily_counts"):
            reader.execute(text(f"SELECT count(*) FROM {table}"))
        _move(sql, "Pacific/Auckland", by=admin)
        assert reader.execute(text("SELECT count(*) FROM clock_changes")).scalar() == 0
    assert (period(None, None).time_zone, _wrong()) == ("Pacific/Auckland", [])


@POSTGRESQL
def test_of_two_who_follow_at_once_one_counts(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollment.enroll(a_student(), a_public_course(), by=None)
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "Pacific/Auckland")
    found: list[bool] = []
    with writer(db.engine).begin() as connection:
        connection.execute(text("UPDATE enrollments SET enrolled_at = now()"))
        following = [threading.Thread(target=_follow, args=(context, found)) for _ in range(2)]
        for thread in following:
            thread.start()
        assert comes(lambda: len(sql(WAIT_AT_ALL)) == len(following))
    for thread in following:
        thread.join()
    assert (sorted(found), _wrong()) == ([False, True], [])


def _follow(app: Flask, found: list[bool]) -> None:
    with app.app_context():
        found.append(transactional(clocks.follow_zone)())


def test_who_counts_keeps_no_other_thread_or_worker_waiting(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrollment.enroll(a_student(), a_public_course(), by=None)
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "Pacific/Auckland")
    first, second = sync.ZoneFollower(), sync.ZoneFollower()
    if db.engine.dialect.name == "sqlite":  # which has one worker
        second = first
    found: list[bool] = []
    threads = [
        threading.Thread(target=_follow_by, args=(context, follower, found))
        for follower in (first, second)
    ]
    with writer(db.engine).begin() as connection:
        connection.execute(text("UPDATE enrollments SET enrolled_at = '2026-11-15 20:30:00+00:00'"))
        for thread in threads:
            thread.start()
        assert comes(lambda: found == [False])
    for thread in threads:
        thread.join()
    assert (found, _wrong()) == ([False, True], [])


def _follow_by(app: Flask, follower: sync.ZoneFollower, found: list[bool]) -> None:
    with app.app_context():
        found.append(follower.follow())


def test_machines_of_different_zones_do_not_count_against_each_other_for_ever(
    sql: Sql, context: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = sync.ZoneFollower(), sync.ZoneFollower()
    found = []
    for _ in range(3):
        for follower, zone in ((here, "Europe/Berlin"), (there, "Europe/Paris")):
            monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", zone)
            found.append(follower.follow())
    assert found == [True, True, False, False, False, False]
    assert caplog.text.count("days_counted_by_others") == 1
    enrollment.change_settings({"name": "Elm School"}, seen=0, by=an_admin())
    monkeypatch.setitem(context.config, "SCHOOL_TIME_ZONE", "Europe/Berlin")
    assert here.follow()


def _in_context(app: Flask, sql: Sql, admin: int) -> None:
    with app.app_context():
        _move(sql, "Pacific/Auckland", by=admin)


def _move(sql: Sql, zone: str | None, *, by: int) -> None:
    """Say that the school is in another zone, as an admin does."""
    versions = [row.version for row in sql("SELECT version FROM school_settings")]
    enrollment.change_settings({"time_zone": zone}, seen=versions[0] if versions else 0, by=by)


def _moments(zone: str) -> list[datetime]:
    """Return moments about the changes of a zone's clocks, and about the midnights there."""
    found = []
    for begins_at, _ in clock_changes(zone)[1:-1]:
        day = day_of(begins_at, zone)
        midnights = [start_of(day + number * DAY, zone) for number in (-1, 0, 1, 2)]
        found += [
            moment + difference
            for moment in (begins_at, begins_at - HOUR, begins_at + HOUR, *midnights)
            for difference in (-INSTANT, -timedelta(seconds=1), timedelta(0), INSTANT)
        ]
    return found


def _enroll_at(sql: Sql, moments: list[datetime], random: Random) -> None:
    ids = [row.id for row in sql("SELECT id FROM enrollments ORDER BY id")]
    for number, moment in zip(ids, moments, strict=True):
        stored = moment.isoformat(" ", "microseconds")
        if db.engine.dialect.name == "sqlite":
            stored = random.choice([stored.removesuffix("+00:00"), *other_forms(moment, random)])
        sql("UPDATE enrollments SET enrolled_at = :at WHERE id = :id", at=stored, id=number)


def _days(sql: Sql, name: str) -> dict[date, int]:
    """Return how many the school has of something by day."""
    rows = sql(
        "SELECT day, sum(value) AS number FROM daily_counts WHERE name = :name AND course_id = 0"
        " GROUP BY day",
        name=name,
    )
    return {date.fromisoformat(str(row.day)): int(row.number) for row in rows if row.number}


def _wrong() -> list[object]:
    found: list[object] = list(db.session.execute(differences(DailyCount)))
    db.session.rollback()
    return found
