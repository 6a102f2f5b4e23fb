"""Limits as such: how a use is counted, whoever counts at the same time, and what undoes it."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

import lms
from lms import accounts, enrollment
from lms.db import at, now
from lms.ledger.limits import LIMITS
from lms.refusals import AlreadyEnrolled, RateLimited, RequestPending
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql

[MOST_REQUESTS] = LIMITS["request"]


def ask_and_cancel(student: int, course: int, times: int) -> int:
    """Return how often a student can ask for a course and cancel."""
    for made in range(times):
        try:
            enrollment.cancel_request(a_request(student, course), by=student)
        except RateLimited:
            return made
    return times


def test_asking_and_canceling_for_ever_meets_a_limit(context: Flask, sql: Sql) -> None:
    student, course = a_student(), a_course()
    assert ask_and_cancel(student, course, 60) == 50
    entries = sql("SELECT count(*) FROM audit_entries WHERE action LIKE 'request.%'")[0][0]
    assert entries == 100
    assert sql("SELECT id FROM access_requests") == []


def test_the_limit_is_each_person_s_own_and_over_after_its_period(context: Flask) -> None:
    student, other, course = a_student(), a_student("Bob"), a_course()
    ask_and_cancel(student, course, 60)
    a_request(other, course)
    with pytest.raises(RateLimited) as refused:
        a_request(student, course)
    assert refused.value.limit == "request"
    seconds = MOST_REQUESTS.period.total_seconds()
    assert seconds - 60 < refused.value.retry_after <= seconds
    with at(now() + MOST_REQUESTS.period + timedelta(seconds=1)):
        assert ask_and_cancel(student, course, 60) == 50


def test_what_comes_to_nothing_counts_nothing(context: Flask, sql: Sql) -> None:
    student, course, own = a_student(), a_course(), a_course(is_public=True)
    enrollment.enroll_directly(student, own)
    a_request(student, course)
    for _ in range(60):
        with pytest.raises(RequestPending):
            a_request(student, course)
        with pytest.raises(AlreadyEnrolled):
            a_request(student, own)
    assert sql("SELECT used FROM allowances") == [(1,)]


def test_an_admin_decides_hundreds_of_requests(context: Flask) -> None:
    course, admin = a_course(), a_student("Grace")
    requests = [a_request(a_student(f"S{number}"), course) for number in range(120)]
    decided = enrollment.decide_many(requests, "approve", by=admin)
    assert Counter(each.outcome for each in decided) == {"approved": 120}


def test_exports_are_counted_only_where_something_can_be_written(
    context: Flask, monkeypatch: pytest.MonkeyPatch, sql: Sql
) -> None:
    [most] = LIMITS["export"]
    admin = a_student()
    for _ in range(most.allowed):
        accounts.count_export(admin)
    with pytest.raises(RateLimited):
        accounts.count_export(admin)
    sql("DROP TABLE allowances")
    accounts.count_export(admin)


def test_each_limit_is_in_the_handbook() -> None:
    minutes = {1: "a minute", 10: "10 minutes", 15: "15 minutes", 60: "an hour", 1440: "a day"}
    handbook = (Path(lms.__file__).parents[1] / "docs" / "operating.md").read_text()
    for action, limits in LIMITS.items():
        said = [f"{most} in {minutes[period // timedelta(minutes=1)]}" for most, period in limits]
        assert any(f" {', '.join(said)} |" in line for line in handbook.splitlines()), action
