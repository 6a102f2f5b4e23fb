"""Limits that several processes meet at the same moment: each use counts once, and none is lost."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.ledger.limits import LIMITS, key_of
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.faults.racers import Race, Racers, call, sound_races

N = 50
USED = 10


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


@pytest.fixture
def have_used(sql: Sql) -> Callable[..., None]:
    """Let somebody have used some of an allowance."""

    def use(action: Any, who: int | str, *, until: str) -> None:
        key = key_of(action, LIMITS[action][0], who)
        row = {"key": key, "used": USED, "until": f"{until}-01-01 00:00:00.000000"}
        sql("INSERT INTO allowances (key, used, expires_at) VALUES (:key, :used, :until)", **row)

    return use


def test_requests_of_many_courses_at_once_are_counted_one_by_one(
    race: Race, sql: Sql, have_used: Callable[..., None]
) -> None:
    student, courses = a_student(), [a_course(f"Course {n}") for n in range(N)]
    have_used("request", student, until="2999")
    outcomes = race([call("request_access", student, course) for course in courses])
    done = Counter(outcome.refusal or "done" for outcome in outcomes)
    assert done == {"done": N - USED, "RateLimited": USED}
    assert sql("SELECT used FROM allowances") == [(N,)]
    assert len(sql("SELECT id FROM access_requests")) == N - USED


def test_identical_requests_at_once_are_one_and_count_once(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_course()
    outcomes = race([call("request_access", student, course)] * N)
    done = Counter(outcome.refusal or "done" for outcome in outcomes)
    assert done == {"done": 1, "RequestPending": N - 1}
    assert sql("SELECT used FROM allowances") == [(1,)]


def test_keys_that_many_count_in_their_turn_neither_wait_for_ever_nor_get_lost(
    race: Race, sql: Sql, have_used: Callable[..., None]
) -> None:
    have_used("registration", "school", until="2020")
    fields: dict[str, Any] = {
        "name": "Ada",
        "password_hash": "x",
        "again_after": timedelta(),
        "place": "school",
    }
    outcomes = race(
        [
            call("lms.enrollment:register_student", email=f"{n}@example.org", **fields)
            if n % 2
            else call("lms.accounts:forget_allowances")
            for n in range(N)
        ]
    )
    done = Counter(outcome.refusal or "done" for outcome in outcomes[1::2])
    assert done == {"done": 20, "RateLimited": N // 2 - 20}
    assert len(sql("SELECT id FROM users")) == 20
    assert {row.used for row in sql("SELECT used FROM allowances")} == {20}


def test_of_many_workers_one_tells_of_each_request(race: Race, sql: Sql) -> None:
    admins = [an_admin(email=f"{number}@example.org") for number in range(2)]
    for admin in admins:
        enrollment.choose_emails(admin, requests=True)
    course, students = a_course(), [a_student(f"S{number}") for number in range(N)]
    outcomes = race(
        [
            call("request_access", student, course) if number % 2 else call("send_request_digest")
            for number, student in enumerate(students)
        ]
    )
    told = [outcome.value for outcome in outcomes[::2] if outcome.value]
    assert len(told) <= 1
    sql("DELETE FROM allowances WHERE key LIKE 'digest/%'")  # as after the interval
    told += [outcome.value for outcome in race([call("send_request_digest")] * N) if outcome.value]
    assert sum(told) == N // 2
    mails = Counter(row.recipient for row in sql("SELECT recipient FROM outbox_emails"))
    assert mails == dict.fromkeys(("0@example.org", "1@example.org"), len(told))
    assert sql("SELECT id FROM access_requests WHERE is_news") == []


def test_a_message_sent_many_times_at_once_goes_out_once(race: Race, sql: Sql) -> None:
    admin, course, students = an_admin(), a_course(), [a_student(), a_student()]
    for student in students:
        enrollment.enroll(student, course, by=admin)
    said = {"subject": "Exam", "text": "Friday", "key": "of-one-form"}
    outcomes = race([call("message_students", course, students, **said, by=admin)] * N)
    assert Counter(outcome.refusal or "done" for outcome in outcomes) == {"done": N}
    assert len(sql("SELECT id FROM notices WHERE kind = 'message'")) == 2
    assert len(sql("SELECT id FROM audit_entries WHERE action = 'course.messaged'")) == 1
    assert sql("SELECT used FROM allowances WHERE key LIKE 'message/%'") == [(1,)]
