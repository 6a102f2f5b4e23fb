"""A small school, and ways to damage it and to look at all of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from lms.db import db
from tests.databases import Server
from tests.sync.damage import Damage, damaging
from tests.sync.injections import injections
from tests.sync.school import School, a_school

TABLES = (
    "users",
    "courses",
    "chapters",
    "chapter_completions",
    "enrollments",
    "student_progress",
    "access_sources",
    "access_requests",
    "offers",
    "access_waivers",
    "payments",
    "decisions",
    "sign_ins",
    "address_changes",
    "former_addresses",
    "certificates",
)
Contents = dict[str, list[dict[str, Any]]]
Injure = Callable[..., None]


@pytest.fixture
def filled(server: Server) -> Iterator[tuple[str, School]]:
    """The address of the school, which verbs have built once for all tests on this engine."""
    with server.filled(_school) as lent:
        yield lent


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: Server) -> Iterator[str]:
    if "school" in request.fixturenames:
        yield request.getfixturevalue("filled")[0]
    else:
        with server.migrated() as url:
            yield url


@pytest.fixture
def school(context: Flask, filled: tuple[str, School]) -> School:
    return filled[1]


def _school(_app: Flask) -> School:
    return a_school()


@pytest.fixture
def injure(database_url: str) -> Injure:
    """Bring in violations by kind, or by a function of one's own, past all guards."""

    def bring(school: School, *kinds: str | Callable[[Damage, School], None]) -> None:
        db.session.rollback()
        db.engine.dispose()
        with damaging(database_url) as damage:
            for kind in kinds:
                (injections()[kind].bring if isinstance(kind, str) else kind)(damage, school)

    return bring


def sources_of(student: int, course: int) -> list[str]:
    """Return the kinds of the sources of a student's access."""
    rows = contents()["access_sources"]
    return [row["kind"] for row in rows if (row["user_id"], row["course_id"]) == (student, course)]


def contents() -> Contents:
    """Everything that the school knows, but for counters of versions."""
    rows = {}
    for table in TABLES:
        found = [dict(row) for row in db.session.execute(text(_whole(table))).mappings()]
        if db.engine.dialect.name == "postgresql":
            found = [row["whole"] for row in found]
        rows[table] = [{k: v for k, v in row.items() if k != "version"} for row in found]
    db.session.rollback()
    return rows


def _whole(table: str) -> str:
    if db.engine.dialect.name == "sqlite":
        return f"SELECT * FROM {table} ORDER BY 1, 2"
    # As JSON, since the driver knows no infinite time.
    return f"SELECT to_jsonb(t) AS whole FROM (SELECT * FROM {table} ORDER BY 1, 2) t"
