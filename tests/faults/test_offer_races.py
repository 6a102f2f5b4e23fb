"""Seats that are offered, paid, given back and taken back at the same moment, in real processes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask

from lms import enrollment
from lms.enrollment import CourseFields
from lms.payments import ManualPayment
from lms.refusals import CourseFull
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.faults.racers import Call, Race, Racers, call, sound_races

SEATS, MORE = 4, 6
TERMS: dict[str, Any] = {"title": "Bread", "price_cents": 900, "requires_approval": True}
USED = """SELECT (SELECT count(*) FROM enrollments WHERE course_id = :course)
    + (SELECT count(*) FROM offers WHERE course_id = :course AND status = 'open') AS used"""


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


def paying(student: int, course: int, admin: int) -> Call:
    money = ManualPayment(student, course, 900, "eur", "transfer", f"of {student}")
    return call("lms.payments:record_payment", money, by=admin)


def test_every_seat_is_somebodys_and_nobodys_twice(race: Race, sql: Sql) -> None:
    course, admin = a_course(**TERMS, capacity=SEATS), an_admin()
    students = [a_student(f"S{number}") for number in range(12)]
    requests = [a_request(student, course) for student in students]
    for request in requests[:8]:  # four get an offer; four are approved ahead
        with suppress(CourseFull):
            enrollment.approve(request, by=admin)
    offers = [row.id for row in sql("SELECT id FROM offers ORDER BY id")]
    assert len(offers) == SEATS
    sql("UPDATE offers SET expires_at = created_at WHERE id = :id", id=offers[3])

    more = CourseFields(**TERMS, status="published", capacity=MORE)
    declining = [call("decline_offer", offers[0], by=students[0])] * 3
    withdrawing = [call("withdraw_offer", offers[1], by=admin)] * 3
    payers = students[2], students[6], students[10]
    outcomes = race(
        [
            *declining,
            *withdrawing,
            *(paying(student, course, admin) for student in payers),
            *(call("approve", request, by=admin) for request in requests[8:]),
            *[call("fill_free_seats")] * 3,
            call("edit_course", course, more, by=admin),
        ]
    )

    for same in (outcomes[:3], outcomes[3:6]):
        assert Counter(each.refusal for each in same) == {None: 1, "OfferNotFound": 2}
    enrollment.fill_free_seats()  # what one that others held has left
    assert sql(USED, course=course) == [(MORE,)]
    paid = sql("SELECT user_id, status FROM payments ORDER BY user_id")
    assert {row.status for row in paid} <= {"paid", "undeliverable"}
    assert paid[0] == (students[2], "paid"), "a seat was held for them"
    let_in = {row.user_id for row in sql("SELECT user_id FROM enrollments")}
    assert let_in == {row.user_id for row in paid if row.status == "paid"}
    ended: dict[int, str] = dict(
        sql("SELECT id, status FROM offers WHERE id <= :last", last=offers[3])
    )
    became = ("declined", "withdrawn", "accepted", "expired")
    assert tuple(ended[offer] for offer in offers) == became
    # Whatever becomes free from now on is theirs who have paid.
    while unseated := sql("SELECT user_id FROM payments WHERE status = 'undeliverable'"):
        [first, *_] = sql("SELECT id, student_id FROM offers WHERE status = 'open' ORDER BY id")
        enrollment.decline_offer(first.id, by=first.student_id)
        left = sql("SELECT user_id FROM payments WHERE status = 'undeliverable'")
        assert len(left) == len(unseated) - 1
    assert sql(USED, course=course) == [(MORE,)]
