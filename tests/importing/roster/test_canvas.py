"""Canvas SIS: the columns as its documentation prints them, people made up.

https://developerdocs.instructure.com/services/canvas/sis/file.sis_csv, and doc/api/sis_csv.md of
instructure/canvas-lms at 0125d8e.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment
from lms.importing import NoRoster, import_roster
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import Roster, outcomes, written

USERS = (
    "user_id,login_id,authentication_provider_id,password,first_name,last_name,short_name,email,"
    "status"
)
COURSES = "course_id,short_name,long_name,account_id,term_id,status"
SECTIONS = "section_id,course_id,name,status,start_date,end_date"
ENROLLMENTS = "course_id,user_id,role,section_id,status"


def _school(enrollments: Sequence[str], *, users: Sequence[str] = ()) -> dict[str, str]:
    known = [
        f"{number},{name.lower()}01,,,{name},Smith,,{name.lower()}@x.org,active"
        for number, name in enumerate(("Ada", "Bob", "Cleo", "Dan", "Eve"), 1)
    ]
    return {
        "users.csv": "\n".join([USERS, *(users or known)]),
        "courses.csv": "\n".join(
            [
                COURSES,
                "E411208,ENG115,English 115: Intro to English,A002,,active",
                'A110035,ART105,"Art 105: ""Art as a Medium""",A001,,active',
                "H1,HIS1,History,A001,,completed",
                "G1,GEO1,Geography,A001,,deleted",
            ]
        ),
        "sections.csv": "\n".join(
            [SECTIONS, "1B,E411208,Section 1,active,,", "2A,E411208,Section 2,active,,"]
        ),
        "enrollments.csv": "\n".join([ENROLLMENTS, *enrollments]),
    }


def _in(course: int, *people: str) -> None:
    for name in people:
        student = a_student(name, email=f"{name.lower()}@x.org")
        enrollment.enroll(student, course, by=None)


def test_active_students_are_enrolled_and_teachers_are_not(system: Roster) -> None:
    a_course("English", code="E411208")
    a_course('Art 105: "Art as a Medium"')
    rows = [
        "E411208,1,student,1B,active",
        ",2,student,2A,active",
        "A110035,2,StudentEnrollment,,Active",
        "E411208,3,teacher,2A,active",
        "E411208,4,ta,2A,active",
        "H1,4,student,,active",
        "E411208,9,student,1B,active",
        "E411208,5,student,1B,paused",
    ]
    report = system(_school(rows), zipped=True)
    assert report.format == "Canvas SIS"
    assert [row.detail for row in report.rows] == [
        "enrolled in English, with a new account",
        "enrolled in English, with a new account",
        'enrolled in Art 105: "Art as a Medium"',
        "teacher: only students are enrolled",
        "ta: only students are enrolled",
        "completed in Canvas: existing access is kept, and none is added",
        "the user 9 isn't in the roster",
        "the status 'paused' isn't known",
    ]
    assert report.rows[0].name == "Ada Smith"
    assert_sound()


@pytest.mark.parametrize(
    ("status", "is_in", "stays"),
    [
        ("active", False, True),
        ("active", True, True),
        ("completed", True, True),
        ("completed", False, False),
        ("deleted_last_completed", True, True),
        ("deleted_last_completed", False, False),
        ("inactive", True, False),
        ("inactive", False, False),
        ("deleted", True, False),
        ("deleted", False, False),
    ],
)
def test_each_status_gives_no_more_than_canvas_does(
    system: Roster, sql: Sql, status: str, *, is_in: bool, stays: bool
) -> None:
    course = a_course("English", code="E411208")
    if is_in:
        _in(course, "Ada")
    report = system(_school([f"E411208,1,student,1B,{status}"]))
    assert report.counts["refused"] == 0
    assert sql("SELECT count(*) FROM enrollments") == [(int(stays),)]
    assert_sound()


def test_who_changes_the_section_stays(system: Roster, sql: Sql) -> None:
    _in(a_course("English", code="E411208"), "Ada")
    rows = ["E411208,1,student,1B,deleted", "E411208,1,student,2A,active"]
    assert outcomes(system(_school(rows))) == [
        ("ada@x.org", "enrolled by line 3"),
        ("ada@x.org", "already enrolled in English"),
    ]
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]


def test_only_whoever_is_listed_is_changed(system: Roster, sql: Sql) -> None:
    course = a_course("English", code="E411208")
    system(_school([f"E411208,{number},student,1B,active" for number in (1, 2, 3)]))
    report = system(_school(["E411208,1,student,1B,deleted"]))
    assert outcomes(report) == [("ada@x.org", "unenrolled from English")]
    assert sql("SELECT count(*) FROM enrollments WHERE course_id = :course", course=course) == [
        (2,)
    ]


def test_deleted_users_and_courses_end(system: Roster) -> None:
    a_course("English", code="E411208")
    geography = a_course("Geography", code="G1")
    system(_school(["E411208,1,student,1B,active"]))
    _in(geography, "Bob")
    users = ["1,ada01,,,Ada,Smith,,ada@x.org,deleted", "2,bob,,,Bob,Smith,,bob@x.org,active"]
    report = system(_school(["G1,2,student,,active"], users=users))
    assert outcomes(report) == [
        ("bob@x.org", "unenrolled from Geography"),
        ("ada@x.org", "unenrolled from English"),
    ]
    assert_sound()


def test_enrollments_alone_have_no_addresses(context: Flask, tmp_path: Path) -> None:
    files = _school(["E411208,1,student,1B,active"])
    path = written(tmp_path, {"enrollments.csv": files["enrollments.csv"]})
    with pytest.raises(NoRoster, match=r"Put users\.csv into"):
        import_roster(path, apply=False)
