"""Moodle's 'Upload users': the columns as its documentation names them, people made up.

https://docs.moodle.org/en/Upload_users, and admin/tool/uploaduser/tests of Moodle 4.
"""

import pytest

from lms import enrollment
from tests.builders import a_course, a_student
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import Roster

HEADER = "username,firstname,lastname,email,course1,role1,enrolstatus1,course2,type2,enrolperiod2"


def test_students_are_enrolled_in_each_of_their_courses(roster: Roster) -> None:
    a_course("Algebra", code="math102")
    a_course("Botany")
    report = roster(
        HEADER,
        "student1,Ada,Lovelace,ada@x.org,math102,student,,Botany,1,",
        "bob@x.org,Bob,Doe,,MATH102,,0,,,",
        "teach,Tess,Doe,tess@x.org,math102,editingteacher,,Botany,2,",
        "nobody,Nora,Doe,nora@x.org,,,,,,",
        "dan,Dan,Doe,dan@x.org,math102,5,,Botany,,30",
        "eve,Eve,Doe,eve@x.org,math102,student,2,,,",
        "fay,Fay,Doe,,math102,student,,,,",
    )
    assert report.format == "Moodle's “Upload users”"
    assert [(row.line, row.detail) for row in report.rows] == [
        (2, "enrolled in Algebra, with a new account"),
        (2, "enrolled in Botany"),
        (3, "enrolled in Algebra, with a new account"),
        (4, "editingteacher: only students are enrolled"),
        (4, "editingteacher: only students are enrolled"),
        (5, "no course is given"),
        (6, "enrolled in Algebra, with a new account"),
        (6, "enrolled in Botany"),
        (7, "the status '2' isn't known"),
        (8, "no e-mail address"),
    ]
    assert report.counts["nothing"] == 3
    assert report.rows[0].name == "Ada Lovelace"
    assert report.warnings == [
        "1 line limits access by enrolperiod. Here, access lasts until it is ended."
    ]
    assert_sound()


@pytest.mark.parametrize(("status", "stays"), [("", 1), ("0", 1), ("1", 0)])
def test_a_suspended_enrollment_ends(roster: Roster, sql: Sql, status: str, stays: int) -> None:
    course, ada = a_course("Algebra", code="math102"), a_student("Ada", email="ada@x.org")
    enrollment.enroll(ada, course, by=None)
    roster(
        "username,firstname,lastname,email,course1,role1,enrolstatus1",
        f"ada,Ada,Lovelace,ada@x.org,math102,student,{status}",
    )
    assert sql("SELECT count(*) FROM enrollments") == [(stays,)]
    assert_sound()


def test_who_is_deleted_or_suspended_leaves_what_a_roster_gave(roster: Roster, sql: Sql) -> None:
    a_course("Algebra", code="math102")
    botany = a_course("Botany", code="bio")
    header = "username,firstname,lastname,email,course1,deleted,suspended"
    roster(header, "ada,Ada,L,ada@x.org,math102,,", "bob,Bob,D,bob@x.org,math102,0,0")
    [(ada,), _] = sql("SELECT id FROM users ORDER BY email")
    enrollment.enroll(ada, botany, by=None)
    report = roster(header, "ada,Ada,L,ada@x.org,,1,", "bob,Bob,D,bob@x.org,math102,,1")
    assert [(row.email, row.line, row.detail) for row in report.rows] == [
        ("ada@x.org", 2, "deleted in Moodle"),
        ("bob@x.org", 3, "unenrolled from Algebra"),
        ("ada@x.org", 2, "unenrolled from Algebra"),
    ]
    assert sql("SELECT user_id, course_id FROM enrollments") == [(ada, botany)]
    assert_sound()


def test_a_shortname_is_a_code_even_if_it_is_a_number(roster: Roster) -> None:
    other, algebra = a_course("Other"), a_course("Algebra")
    [row] = roster("username,firstname,lastname,email,course1", f"ada,Ada,L,ada@x.org,{other}").rows
    assert (row.outcome, row.detail) == ("refused", "the course doesn't exist")
    assert algebra
