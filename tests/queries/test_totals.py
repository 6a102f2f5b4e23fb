"""How many a search finds: the same on each of its pages, by one look where its page tells it."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from lms import enrollment
from lms.db import db
from lms.queries.admin import course_people, invitations, payments, requests, students
from tests.builders import a_course, a_request, a_student, an_admin, an_invitation
from tests.conftest import Sql
from tests.statements import sent_to

pytestmark = pytest.mark.usefixtures("context")

NAMES = [*(f"Match Full {number:02}" for number in range(50)), "Match More"]


def _only_students() -> Callable[..., Any]:
    for name in NAMES:
        a_student(name)
    return students.students


def _invited() -> Callable[..., Any]:
    for name in NAMES:
        an_invitation(f"{name.lower().replace(' ', '.')}@example.com")
    return lambda q, page: invitations.not_accepted(q=q.replace(" ", "."), page=page)


def _waiting() -> Callable[..., Any]:
    course = a_course()
    for name in NAMES:
        a_request(a_student(name), course)
    return requests.queue


def _decided() -> Callable[..., Any]:
    admin, course = an_admin(), a_course()
    for name in NAMES:
        enrollment.reject(a_request(a_student(name), course), by=admin)
    return requests.decided


def _in_a_course() -> Callable[..., Any]:
    admin, course = an_admin(), a_course()
    for name in NAMES:
        enrollment.enroll(a_student(name), course, by=admin)
    return lambda q, page: course_people.people(course, q=q, page=page)


LISTS = [_only_students, _invited, _waiting, _decided, _in_a_course]
SEARCHES = [  # what is searched, the page, how many are on it, and how many there are
    ("match", 1, 50, 51),
    ("match", 2, 1, 51),
    ("match", 3, 0, 51),
    ("full", 1, 50, 50),
    ("full", 2, 0, 50),
    ("match more", 1, 1, 1),
    ("nobody", 1, 0, 0),
]


@pytest.mark.parametrize("prepare", LISTS)
def test_a_search_says_on_each_page_how_many_it_finds(
    prepare: Callable[[], Callable[..., Any]],
) -> None:
    listed = prepare()
    for q, page, rows, total in SEARCHES:
        found = listed(q=q, page=page)
        assert (_rows(found), found.total) == (rows, total), (q, page)
        assert found.pages == (2 if total > 50 else 1)


def test_a_search_of_payments_says_on_each_page_how_many_it_finds(sql: Sql) -> None:
    course = a_course(price_cents=4900)
    for name in NAMES:
        sql(
            """INSERT INTO payments (user_id, course_id, amount_cents, status)
            VALUES (:student, :course, 4900, 'failed')""",
            student=a_student(name),
            course=course,
        )
    for q, page, rows, total in SEARCHES:
        found = payments.payments(q=q, page=page)
        assert (_rows(found), found.total) == (rows, total), (q, page)


def test_a_search_whose_page_is_its_last_does_not_look_twice() -> None:
    _only_students()

    def statements(q: str, page: int) -> int:
        with sent_to(db.engine) as sent:
            students.students(q=q, page=page)
        return len(sent)

    assert statements("match more", 1) == statements("match", 2) == statements("match", 1) - 1


def _rows(found: Any) -> int:
    values = (getattr(found, each.name) for each in fields(found))
    [rows] = [value for value in values if isinstance(value, list)]
    return len(rows)
