"""The codes of an old school's courses are kept, or it is said why not."""

import pytest

from lms import enrollment
from lms.db import db
from lms.models import Course
from lms.models.catalog import CourseFields
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import outcome

NONE_OF_THEM = "several courses of the earlier system have its code"


@pytest.mark.parametrize("column", ["code", "courseCode", "course_code", "sku"])
def test_a_code_is_kept(bring_in: Import, sql: Sql, column: str) -> None:
    bring_in({"courses": [{"id": 1, "title": "A", column: " MATH-101 "}, {"id": 2, "title": "B"}]})
    assert sql("SELECT title, code FROM courses ORDER BY title") == [("A", "MATH-101"), ("B", None)]


def test_a_code_that_cannot_be_kept_is_reported(bring_in: Import, sql: Sql) -> None:
    enrollment.create_course(CourseFields(title="Here", code="TAKEN"), by=None)
    codes = ["TWICE", "TWICE", "x" * 65, "x" * 64, "\u200b", "TAKEN", "once", "ONCE", "", None]
    report = bring_in(
        {"courses": [{"id": n, "title": f"C{n}", "code": code} for n, code in enumerate(codes)]}
    )
    kept = sql("SELECT title, code FROM courses WHERE title <> 'Here' AND code IS NOT NULL")
    assert sorted(map(tuple, kept)) == [("C3", "x" * 64), ("C6", "once"), ("C7", "ONCE")]
    reasons = [outcome(report, "courses", n) for n in range(len(codes))]
    assert all(NONE_OF_THEM in reason for reason in reasons[:2])
    assert "its code is longer than 64 characters" in reasons[2]
    assert "its code has no visible characters" in reasons[4]
    assert "another course here has its code" in reasons[5]
    assert [reasons[n] for n in (3, 6, 7, 8, 9)] == ["created"] * 5
    assert all(
        reason.topic == "not read"
        for table in report.tables
        for reason in table.reasons
        if "its code" in reason.reason
    )


def test_a_deleted_course_leaves_its_code_to_the_one_in_its_place(
    bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "courses": [
                {"id": 1, "title": "Before", "code": "A", "deletedAt": "2024-01-01T00:00:00Z"},
                {"id": 2, "title": "Now", "code": "A", "deletedAt": None},
            ]
        }
    )
    assert sql("SELECT title FROM courses WHERE code = 'A'") == [("Now",)]
    assert db.session.query(Course).count() == 2


def test_a_row_that_is_there_twice_shares_its_code_with_no_other_course(
    bring_in: Import, sql: Sql
) -> None:
    bring_in({"courses": 2 * [{"id": 1, "title": "A", "code": "MATH-101"}]})
    assert sql("SELECT title, code FROM courses") == [("A", "MATH-101")]


def test_an_old_school_brings_them_along_but_no_bare_numbers(bring_in: Import, sql: Sql) -> None:
    bring_in(
        {
            "courses": [
                {"id": 1, "title": "A", "instructor": "Ada", "duration": "2 days"},
                {"id": 2, "title": "B", "instructor": "17", "duration": "90"},
            ]
        }
    )
    assert sql("SELECT teacher, duration FROM courses ORDER BY title") == [
        ("Ada", "2 days"),
        ("", ""),
    ]
