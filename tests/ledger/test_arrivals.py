"""Letting in very many at once comes to what letting them in one by one comes to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import enrollment
from lms.db import at, db, now
from lms.ledger.access import Past, let_in, let_in_all
from lms.ledger.payment_beginnings import Price, begin_payment
from lms.ledger.rows import Pair
from lms.ledger.sources import Source
from lms.models import Course, User
from lms.refusals import CourseFull
from lms.transaction import transactional
from tests.arrivals import arrival
from tests.builders import a_chapter, a_course, a_request, a_student, an_admin
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")

THEN, LATER = datetime(2019, 5, 1, tzinfo=UTC), datetime(2020, 6, 2, 3, 4, 5, 60, tzinfo=UTC)
COMPARED = {
    *("enrollments", "student_progress", "access_sources", "access_requests", "audit_entries"),
    *("offers", "payments", "certificates", "decisions", "daily_counts", "current_counts"),
}
Rows = dict[str, list[dict[str, Any]]]


class Undone(Exception):  # noqa: N818 - no error
    """Ends a transaction with what it would have left."""

    def __init__(self, rows: Rows, topics: object) -> None:
        self.found = rows, topics


def test_many_are_let_in_as_few_are() -> None:
    pairs = _people_of_all_kinds()
    past = {pairs[0]: Past(THEN, LATER, {"progress": 50, "old_progress": 'so "half"'})}
    past[pairs[2]] = Past(THEN, LATER)  # who has learned here since
    sources = [Source(*pair, "import") for pair in pairs] + [Source(*pairs[1], "payment", 7)]
    arrivals = [arrival(source, past.get(source.pair)) for source in sources]
    one_by_one = _what_comes_of(
        lambda session: let_in(session, sources, by=None, reason="Moved", past=past)
    )
    at_once = _what_comes_of(lambda session: let_in_all(session, arrivals, by=None, reason="Moved"))
    assert at_once == one_by_one
    assert len(at_once[0]["enrollments"]) == len(pairs)


def test_what_is_there_already_is_granted_once() -> None:
    pair = a_student(), a_course()
    for _ in range(2):
        transactional(let_in_all)([arrival(Source(*pair, "import"))], by=None)
    found = _rows(db.session())
    assert [len(found[name]) for name in ("enrollments", "access_sources")] == [1, 1]
    granted = [each for each in found["audit_entries"] if each["action"] == "access.granted"]
    assert [each["details"]["enrolled"] for each in granted] == [True]


def test_where_a_seat_is_missing_nobody_comes_in(sql: Sql) -> None:
    small, large = a_course(capacity=1), a_course()
    sources = [Source(a_student(), course, "import") for course in (large, small, small)]
    with pytest.raises(CourseFull):
        transactional(let_in_all)(map(arrival, sources), by=None)
    assert sql("SELECT * FROM enrollments") == []


def _people_of_all_kinds() -> list[Pair]:
    """Return students each with something of their own, in courses with and without a limit."""
    limited, open_to_many = a_course(capacity=6), a_course()
    sold = a_course(price_cents=4900, requires_approval=True, capacity=9)
    buyable = a_course(price_cents=4900)
    chapter = a_chapter(open_to_many)
    offered, asking, buying, returning, plain = (a_student() for _ in range(5))
    enrollment.approve(a_request(offered, sold), by=an_admin())
    a_request(asking, limited)
    transactional(_checkout)(buying, buyable)
    enrollment.enroll(returning, open_to_many, by=an_admin())
    enrollment.complete_chapter(returning, chapter)
    enrollment.unenroll(returning, open_to_many, by=an_admin())
    return [
        *((plain, limited), (plain, open_to_many), (returning, open_to_many), (offered, sold)),
        *((asking, limited), (buying, buyable)),
    ]


def _checkout(session: Session, student: int, course: int) -> None:
    begin_payment(
        session,
        session.get_one(Course, course),
        session.get_one(User, student),
        price=Price(4900, "eur"),
        origin="http://127.0.0.1",
        expires_at=now() + timedelta(hours=1),
    )


def _what_comes_of(step: Callable[[Session], object]) -> tuple[Rows, object]:
    @transactional
    def tried(session: Session) -> None:
        step(session)
        session.flush()
        topics = session.info["topics"], session.info["students"]
        raise Undone(_rows(session), topics)

    with pytest.raises(Undone) as undone, at(datetime(2026, 1, 2, tzinfo=UTC)):
        tried()
    return undone.value.found


def _rows(session: Session) -> Rows:
    """Return the rows without numbers and codes, of which each attempt has its own."""
    return {
        name: [
            {key: value for key, value in row._mapping.items() if key not in {"id", "shard"}}
            for row in session.execute(select(table).order_by(*table.primary_key))
        ]
        for name, table in db.metadata.tables.items()
        if name in COMPARED
    }
