"""Versions: a number that differs after every committed change."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import live
from lms.db import db
from lms.live import Topic
from lms.models import User
from lms.transaction import transactional
from tests.builders import a_student
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


@transactional
def announce(session: Session, *topics: Topic, students: tuple[int, ...] = ()) -> None:
    for topic in topics:
        live.touch(session, topic)
    live.touch(session, students=students)


@transactional
def announce_and_fail(session: Session) -> None:
    live.touch(session, "catalogue")
    raise ValueError("not today")


def _version(*topics: Topic) -> int:
    db.session.rollback()
    return live.version(db.session(), topics)


def test_nothing_has_happened_yet() -> None:
    assert _version("sync") == 0


def test_every_change_raises_the_version_of_its_topics_alone() -> None:
    seen = []
    for _ in range(40):  # more than there are shards to spread over
        announce("payments", "sync")
        seen.append(_version("payments"))
    assert seen == sorted(set(seen))
    assert _version("payments", "sync") == 2 * _version("payments")
    assert _version("people") == 0


def test_a_topic_touched_twice_in_a_verb_is_raised_once() -> None:
    announce("sync", "sync")
    assert _version("sync") == 1


def test_a_verb_that_fails_announces_nothing() -> None:
    with pytest.raises(ValueError, match="not today"):
        announce_and_fail()
    assert _version("catalogue") == 0


def test_touched_students_alone_are_told(sql: Sql) -> None:
    ada, bob = a_student(), a_student("Bob")
    announce("access", students=(ada, ada))
    versions = {row.id: row.version for row in sql("SELECT id, version FROM users")}
    assert versions == {ada: 1, bob: 0}


def test_very_many_students_are_reached_by_what_all_of_them_watch(sql: Sql) -> None:
    sql(*[f"INSERT INTO users (email, name) VALUES ('s{n}@example.org', 'S')" for n in range(501)])
    ids = tuple(db.session.scalars(select(User.id)))
    announce("access", students=ids[1:])
    assert sql("SELECT version, count(*) FROM users GROUP BY version ORDER BY version") == [
        (0, 1),
        (1, 500),
    ]
    assert (_version("access"), _version("catalogue")) == (1, 0)
    announce("access", students=ids)
    assert (_version("access"), _version("catalogue")) == (2, 1)
