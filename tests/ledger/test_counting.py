"""The sums that triggers keep are those of the rows, whatever changes the rows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, text

from lms import enrollment, sync
from lms.db import at, db, now, writer
from lms.ledger.counting import differences, recount
from lms.models import CurrentCount, DailyCount
from lms.transaction import transactional
from tests.builders import a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")
POSTGRESQL = pytest.mark.parametrize("server", ["postgresql"], indirect=True)

_PAYMENT = (
    "INSERT INTO payments (user_id, course_id, amount_cents, currency, status, paid_at)"
    " SELECT user_id, course_id, 900, 'eur', 'paid', CURRENT_TIMESTAMP FROM enrollments"
)


def test_each_change_is_counted(sql: Sql) -> None:
    admin, course, other = an_admin(), a_course(chapters=2), a_public_course(chapters=1)
    ada, bob, eve, kim = (a_student() for _ in range(4))
    requests = [a_request(student, course) for student in (ada, bob, eve, kim)]
    assert _sums(sql, "waiting") == {0: 4, course: 4}
    with at(now() + timedelta(hours=3)):
        decision = enrollment.approve(requests[0], by=admin).decision_id
        enrollment.reject(requests[1], by=admin)
    assert _sums(sql, "waiting") == {0: 2, course: 2}
    assert _sums(sql, "enrolled") == {0: 1, course: 1}
    first, second, last = (row.id for row in sql("SELECT id FROM chapters ORDER BY id"))
    enrollment.complete_chapter(ada, first)
    assert (_sums(sql, "started"), _sums(sql, "progress")) == (
        {0: 1, course: 1},
        {0: 50, course: 50},
    )
    enrollment.complete_chapter(ada, second)
    assert _sums(sql, "completed") == {0: 1, course: 1}
    assert _wrong() == []
    with at(now() + timedelta(hours=3, minutes=3)):
        enrollment.undo_decision(decision, by=admin)
    assert (_sums(sql, "enrolled"), _sums(sql, "completed")) == ({}, {})
    enrollment.enroll(ada, course, by=admin)
    assert _sums(sql, "completed") == {0: 1, course: 1}
    assert _wrong() == []  # what she completed does not come of the decision that was undone
    enrollment.unenroll(ada, course, by=admin)
    enrollment.enroll_directly(eve, other)
    enrollment.complete_chapter(eve, last)
    enrollment.enroll(eve, course, by=admin)
    sql(_PAYMENT, "UPDATE payments SET refunded_cents = 5, status = 'partially_refunded'")
    assert _sums(sql, "payments") == {0: 2}
    assert _wrong() == []
    enrollment.delete_chapter(second, by=admin)
    enrollment.delete_user(eve, by=admin)
    assert _sums(sql, "enrolled") == {}
    assert _wrong() == []
    enrollment.delete_course(course, by=admin)
    assert _wrong() == []


@pytest.mark.parametrize("model", [DailyCount, CurrentCount])
def test_a_recount_adds_what_is_missing(sql: Sql, model: Any) -> None:
    enrollment.enroll(a_student(), a_course(), by=None)
    before = _all(sql, model)
    sql(f"UPDATE {model.__tablename__} SET value = value + 3 WHERE course_id = 0")
    sql(f"DELETE FROM {model.__tablename__} WHERE course_id > 0")
    assert _wrong() != []
    transactional(recount)(model)
    assert (_wrong(), _all(sql, model)) == ([], before)


@POSTGRESQL
def test_folding_leaves_one_row_for_each_sum(sql: Sql) -> None:
    course = a_course()
    for _ in range(3):
        enrollment.enroll(a_student(), course, by=None)
    before = [_all(sql, model) for model in (DailyCount, CurrentCount)]
    rows = "SELECT count(*) FROM current_counts WHERE course_id = :course AND name = 'enrolled'"
    assert sql(rows, course=course) == [(3,)]
    sync.fold_sums()
    assert sql(rows, course=course) == [(1,)]
    assert [_all(sql, model) for model in (DailyCount, CurrentCount)] == before
    enrollment.enroll(a_student(), course, by=None)
    assert (_wrong(), _sums(sql, "enrolled")) == ([], {0: 4, course: 4})


@POSTGRESQL
def test_writers_of_the_same_sums_do_not_wait_for_each_other_nor_for_the_folding(sql: Sql) -> None:
    course = a_course(chapters=1)
    students = [a_student() for _ in range(3)]
    for student in students:
        enrollment.enroll(student, course, by=None)
    with writer(db.engine).begin() as first:
        learn = text("UPDATE enrollments SET progress = 50 WHERE user_id = :student")
        first.execute(learn, {"student": students[0]})
        with writer(db.engine).begin() as second:
            second.execute(text("SET LOCAL lock_timeout = '1s'"))
            second.execute(learn, {"student": students[1]})
        sync.fold_sums()
    assert _sums(sql, "progress") == {0: 100, course: 100}
    assert _wrong() == []


def _wrong() -> list[tuple[Any, ...]]:
    """Return the sums that are not those of the rows."""
    found = [
        tuple(row)
        for model in (DailyCount, CurrentCount)
        for row in db.session.execute(differences(model))
    ]
    db.session.rollback()
    return found


def _sums(sql: Sql, name: str) -> dict[int, int]:
    """Return how much there is now, by course; the school's is under 0."""
    rows = sql(
        "SELECT course_id, sum(value) FROM current_counts WHERE name = :name GROUP BY course_id",
        name=name,
    )
    return {course: int(number) for course, number in rows if number}


def _all(sql: Sql, model: Any) -> list[Row[*tuple[Any, ...]]]:
    keys = "course_id, name, detail" + (", day" if model is DailyCount else "")
    summed = f"SELECT {keys}, sum(value) FROM {model.__tablename__} GROUP BY {keys}"
    return sql(f"{summed} HAVING sum(value) <> 0 ORDER BY {keys}")
