"""What tests of verbs share: a context, the audit trail, and invariants after every scenario."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, get_args

import pytest
from flask import Flask
from sqlalchemy import select

from lms import live
from lms.db import db
from lms.live import Topic
from lms.models import AuditEntry, User
from lms.refusals import Refusal
from tests.invariants import assert_invariants

Refuses = Callable[..., AbstractContextManager[pytest.ExceptionInfo[Any]]]
Touches = Callable[..., AbstractContextManager[None]]
Trail = Callable[[], list[AuditEntry]]


@pytest.fixture(autouse=True)
def _scenario(context: Flask) -> Iterator[None]:
    """Run in the portal's context, and leave no invariant broken."""
    yield
    db.session.rollback()
    assert_invariants(db.session())


@pytest.fixture
def refuses() -> Refuses:
    """Expect a named refusal that changes nothing anywhere."""

    @contextmanager
    def expect(refusal: type[Refusal], **facts: object) -> Iterator[pytest.ExceptionInfo[Any]]:
        before = _everything()
        with pytest.raises(refusal) as refused:
            yield refused
        assert type(refused.value) is refusal
        assert {name: getattr(refused.value, name) for name in facts} == facts
        assert _everything() == before

    return expect


@pytest.fixture
def touches() -> Touches:
    """Expect that exactly these pages and students are told to refresh."""

    @contextmanager
    def expect(*topics: Topic, students: Iterable[int] = ()) -> Iterator[None]:
        before = _versions()
        yield
        after = _versions()
        assert {key for key in after if after[key] > before.get(key, 0)} == {*topics, *students}

    return expect


@pytest.fixture
def trail() -> Trail:
    """Read the audit entries since the last time, oldest first."""
    seen = 0

    def read() -> list[AuditEntry]:
        nonlocal seen
        db.session.rollback()
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.id > seen).order_by(AuditEntry.id)
        ).all()
        seen = max((entry.id for entry in entries), default=seen)
        return list(entries)

    return read


def _versions() -> dict[str | int, int]:
    db.session.rollback()
    topics: dict[str | int, int] = {
        topic: live.version(db.session(), [topic]) for topic in get_args(Topic)
    }
    students = db.session.execute(select(User.id, User.version))
    return topics | {row.id: row.version for row in students}


def _everything() -> dict[str, list[tuple[Any, ...]]]:
    db.session.rollback()
    return {
        name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
        for name, table in db.metadata.tables.items()
    }
