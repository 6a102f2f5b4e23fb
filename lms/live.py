"""Versions by which a poll knows whether anything it shows has changed."""

import random
from collections.abc import Iterable
from functools import cache
from typing import Literal

from sqlalchemy import (
    Insert,
    Integer,
    Select,
    Update,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from lms.models import User, Version
from lms.models.columns import constants
from lms.statements import run
from lms.upsert import insert

Topic = Literal[
    "catalogue",
    "requests",
    "access",
    "progress",
    "people",
    "payments",
    "sync",
    "validation",
    "imports",
    "school",
]

_SHARDS = 16
_FEW = 500
"""Students who are reached by versions of their own; more are by one that all of them watch."""


def touch(session: Session, *topics: Topic, students: Iterable[int] = ()) -> None:
    """Announce that this transaction changes what pages about these topics or students show."""
    session.info.setdefault("topics", set()).update(topics)
    session.info.setdefault("students", set()).update(students)


def publish(session: Session) -> None:
    """Raise the versions of all that was touched, as the last step of the same transaction."""
    session.flush()
    topics, students = session.info.get("topics", set()), session.info.get("students", ())
    if len(students) > _FEW:
        topics = {*topics, "catalogue"}  # which every page of a student watches
    elif students:
        run(session, _raising_students(), students=sorted(students))
    # One shared counter row would queue all writers of a busy school behind each other.
    shard = random.randrange(_SHARDS)  # noqa: S311 - spreads load, no secret
    if topics:
        run(session, raising(*sorted(topics)), at_shard=shard)


def version(session: Session, topics: Iterable[Topic]) -> int:
    """Return a number that differs after every committed change to any of the topics."""
    return int(session.connection().execute(summed(tuple(topics))).scalar() or 0)


@cache
def raising(*topics: str) -> Insert:
    """Return the statement that raises one shard of these topics' versions."""
    # Not as VALUES, which SQLAlchemy compiles anew at each call.
    shard = bindparam("at_shard", type_=Integer)
    rows = union_all(*(select(literal(topic), shard, literal(1)) for topic in topics))
    return (
        insert(Version)
        .from_select(["topic", "shard", "value"], rows)
        .on_conflict_do_update(index_elements=["topic", "shard"], set_={"value": Version.value + 1})
    )


@cache
def summed(topics: tuple[Topic, ...]) -> Select[int]:
    """Return the statement of `version`, which is built once: it runs with every page."""
    total = func.coalesce(func.sum(Version.value), literal_column("0"))
    return select(total).where(Version.topic.in_(constants(*topics)))


@cache
def _raising_students() -> Update:
    chosen = User.id.in_(bindparam("students", expanding=True))
    return update(User).where(chosen).values(version=User.version + 1)
