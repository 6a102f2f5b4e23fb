"""An enrollment and its mirror: the database commits neither without the other."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from lms.db import db, writer
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("world")

BROKEN = {
    "an enrollment alone": "INSERT INTO enrollments (user_id, course_id) VALUES (2, 2)",
    "a mirror alone": "INSERT INTO student_progress (student_id, course_id) VALUES (2, 2)",
    "a mirror that was changed alone": "UPDATE student_progress SET total_progress = 50",
    "a mirror that was deleted alone": "DELETE FROM student_progress",
    "a mirror moved to another course": "UPDATE student_progress SET course_id = 2",
    "two that differ": """
        INSERT INTO enrollments (user_id, course_id, progress) VALUES (2, 2, 10);
        INSERT INTO student_progress (student_id, course_id, total_progress) VALUES (2, 2, 20)""",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_commit_refuses(context: Flask, sql: Sql, broken: str) -> None:
    before = _both(sql)
    with writer(db.engine).connect() as connection:
        for statement in BROKEN[broken].split(";"):
            connection.execute(text(statement))
        with pytest.raises(IntegrityError):
            connection.commit()
    assert _both(sql) == before


@pytest.mark.parametrize("broken", BROKEN)
def test_a_refused_commit_leaves_no_lock_and_a_usable_connection(
    context: Flask, sql: Sql, broken: str
) -> None:
    with pytest.raises(IntegrityError):
        sql(*BROKEN[broken].split(";"))
    pool: Any = db.engine.get_execution_options().get("writers", db.engine.pool)
    assert pool.checkedin() == 1
    with writer(db.engine).connect() as first, writer(db.engine).connect() as second:
        # The pool hands out the refused one first; on SQLite a kept lock would stop the second.
        assert first.execute(text("SELECT count(*) FROM enrollments")).scalar() == 1
        first.rollback()
        second.execute(text("UPDATE users SET name = 'Ada L.' WHERE id = 1"))
        second.commit()
    assert sql("SELECT name FROM users WHERE id = 1")[0].name == "Ada L."


def test_both_together_are_welcome_in_either_order(sql: Sql) -> None:
    sql(
        "INSERT INTO student_progress (student_id, course_id, total_progress) VALUES (2, 2, 30)",
        "INSERT INTO enrollments (user_id, course_id, progress) VALUES (2, 2, 30)",
    )
    assert (2, 2, 30) in _both(sql)


def test_a_changed_enrollment_carries_its_mirror_along(sql: Sql) -> None:
    sql("UPDATE enrollments SET progress = 70")
    assert _both(sql) == [(1, 1, 70)]


def test_a_moved_enrollment_carries_its_mirror_along(sql: Sql) -> None:
    sql("DELETE FROM access_sources", "UPDATE enrollments SET course_id = 2")
    assert _both(sql) == [(1, 2, 0)]


def test_a_deleted_enrollment_takes_its_mirror_along(sql: Sql) -> None:
    sql("DELETE FROM enrollments")
    assert _both(sql) == []
    assert sql("SELECT id FROM student_progress") == []


def _both(sql: Sql) -> list[tuple[int, int, int]]:
    rows = sql(
        """SELECT e.user_id, e.course_id, e.progress FROM enrollments e JOIN student_progress p
        ON p.student_id = e.user_id AND p.course_id = e.course_id
        AND p.total_progress = e.progress ORDER BY 1, 2"""
    )
    return [(row[0], row[1], row[2]) for row in rows]
