"""A second import: what came before is known, and what was decided here since stays."""

from flask import Flask

from lms.enrollment import CourseFields, delete_course, delete_user, edit_course
from lms.importing import import_legacy
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.old import make


def test_what_was_deleted_or_renamed_here_stays_so(context: Flask, old_url: str, sql: Sql) -> None:
    make(
        old_url,
        {
            "users": [{"id": n, "email": f"u{n}@x.org"} for n in range(1, 4)],
            "courses": [{"id": n, "title": f"Course {n}"} for n in range(1, 4)],
            "enrollments": [{"id": n, "userId": n, "courseId": n} for n in range(1, 4)],
        },
    )
    import_legacy(old_url, apply=True)
    ids = [row[0] for row in sql("SELECT id FROM courses ORDER BY title")]
    users = [row[0] for row in sql("SELECT id FROM users ORDER BY email")]
    delete_course(ids[0], by=None)
    delete_user(users[1], by=None)
    edit_course(ids[2], CourseFields(title="Renamed"), by=None)
    again = import_legacy(old_url, apply=True)
    assert (again.created, again.repaired) == (0, 0)
    assert sql("SELECT title FROM courses ORDER BY title") == [("Course 2",), ("Renamed",)]
    assert sql("SELECT count(*) FROM users") == [(2,)]
    assert_sound()


def test_another_school_at_the_same_address_is_another_school(
    context: Flask, old_url: str, sql: Sql
) -> None:
    school: dict[str, list[dict[str, object]]] = {
        "users": [{"id": 1, "email": "ada@x.org", "name": "Ada"}],
        "courses": [{"id": 1, "title": "Algebra"}],
    }
    make(old_url, school)
    import_legacy(old_url, apply=True)
    make(old_url, {**school, "users": [{"id": 1, "email": "bob@y.org", "name": "Bob"}]})
    report = import_legacy(old_url, apply=True)
    assert {table.table: table.created for table in report.tables} == {"users": 1, "courses": 1}
    assert sql("SELECT count(*) FROM courses") == [(2,)]
