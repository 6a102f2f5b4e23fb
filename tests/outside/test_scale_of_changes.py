"""A change takes as much of SQLite's work at 10,000 enrollments as at a thousand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lms import enrollment
from lms.db import db
from lms.models import Chapter
from lms.payments import ManualPayment, record_payment
from lms.payments.recording import record_refund
from tests.builders import a_course, a_student, an_admin
from tests.conftest import Sql
from tests.outside.school import add_courses, add_students
from tests.steps import steps_within

FEW, MANY = 120, 1112  # students with nine enrollments each
FORGIVEN = 30
"""By how many tens of steps a change may take more, as indexes are deeper."""


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_change_costs_as_much_at_any_size(app: Flask, sql: Sql) -> None:
    with app.app_context():
        admin = an_admin()
        courses = [a_course(f"Own {n}", chapters=2) for n in range(4)]
    add_courses(sql)
    costs = []
    for since, upto in ((0, FEW), (FEW, MANY)):
        add_students(sql, since, upto)
        with app.app_context():
            db.session.remove()
            with steps_within(db.engine) as ticks:
                _live(admin, courses, ticks)  # once, for what a process does once
                costs.append(_live(admin, courses, ticks))
                db.session.remove()
    grown = {name: (few, costs[1][name]) for name, few in costs[0].items()}
    assert all(few for few, _ in grown.values()), "nothing is counted"
    assert not {name: both for name, both in grown.items() if both[1] > both[0] + FORGIVEN}


def _live(admin: int, courses: list[int], ticks: list[None]) -> dict[str, int]:
    """Have a new student do everything once, and return the tens of steps that each takes."""
    asked, joined, given, paid = courses
    costs = {}
    student = a_student()

    def do(name: str, change: Callable[[], Any]) -> Any:
        before = len(ticks)
        done = change()
        costs[name] = len(ticks) - before
        return done

    request = do("request", lambda: enrollment.request_access(student, asked)).id
    decision = do("approve", lambda: enrollment.approve(request, by=admin)).decision_id
    again = do("undo", lambda: enrollment.undo_decision(decision, by=admin)).request_id
    do("reject", lambda: enrollment.reject(again, by=admin))
    do("enroll", lambda: enrollment.enroll(student, joined, by=admin))
    for chapter in db.session.scalars(select(Chapter.id).where(Chapter.course_id == joined)).all():
        do(f"complete {chapter}", partial(enrollment.complete_chapter, student, chapter))
    do("reset", lambda: enrollment.reset_progress(student, joined, by=admin, reason="Again"))
    do("give", lambda: enrollment.enroll(student, given, by=admin))
    do("unenroll", lambda: enrollment.unenroll(student, given, by=admin))
    do("enroll again", lambda: enrollment.enroll(student, given, by=admin))
    money = ManualPayment(student, paid, 4900, "eur", "transfer", f"paid by {student}")
    payment = do("pay", lambda: record_payment(money, by=admin)).payment_id
    do("refund", lambda: record_refund(payment, by=admin))
    do("deactivate", lambda: enrollment.deactivate_user(student, by=admin))
    do("reactivate", lambda: enrollment.reactivate_user(student, by=admin))
    do("delete", lambda: enrollment.delete_user(student, by=admin))
    return costs
