"""An import as a whole: from any spelling, and all of it or nothing."""

import sqlite3
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from lms.enrollment import intake
from lms.importing import import_legacy
from tests.conftest import Sql
from tests.importing.conftest import Import, assert_sound, counts
from tests.importing.old import PEOPLE, Tables, make


def test_two_spellings_side_by_side_are_one_school(bring_in: Import, sql: Sql) -> None:
    tables: Tables = {
        "users": PEOPLE[:2],
        "courses": [{"id": 1, "title": "Algebra"}],
        "studentProgress": [{"studentId": 1, "courseId": 1, "totalProgress": 0, "mood": "good"}],
        "student_progress": [{"student_id": 2, "course_id": 1, "studentId": None}],
        "pictures": [{"id": 1}],
    }
    report = bring_in(tables)
    assert sql("SELECT count(*) FROM enrollments") == [(2,)]
    assert report.not_read == ["pictures", "studentProgress.mood"]


def test_a_failure_at_the_last_step_leaves_nothing_behind_and_a_conflict_is_retried(
    context: Flask, old_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(
        old_url,
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "Algebra"}],
            "enrollments": [{"id": n, "userId": n, "courseId": 1} for n in range(1, 6)],
        },
    )
    before = counts()
    recompute = intake.recompute_progress
    failures: list[Exception] = [
        OperationalError("", None, sqlite3.OperationalError("database is locked")),
        MemoryError("the power goes"),
    ]

    def fail(*arguments: Any) -> None:
        recompute(*arguments)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(intake, "recompute_progress", fail)
    with pytest.raises(MemoryError):
        import_legacy(old_url, apply=True)
    assert counts() == before
    report = import_legacy(old_url, apply=True)  # the lock is tried again
    assert failures == []
    assert report.created == 11
    assert counts()["enrollments"] == 5
    assert_sound()
