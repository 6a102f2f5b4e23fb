"""OneRoster: columns as the tables of 1.1.1 and the binding of 1.2.1 print them, people made up.

https://www.imsglobal.org/oneroster-v11-final-csv-tables (1.1.1, 2023-08-22)
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv (1.2.1, 2023-08-22)
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask

from lms import enrollment
from lms.importing import NoRoster, import_roster
from lms.sync import undo
from tests.builders import a_course, a_student
from tests.commands import run
from tests.conftest import Sql
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import Roster, outcomes, written

USERS_1_1 = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,"
    "familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password"
)
USERS_1_2 = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,"
    "resourceSourcedIds,preferredGivenName,preferredMiddleName,preferredFamilyName,"
    "primaryOrgSourcedId,pronouns"
)
ROLES = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId"
)
COURSES = (
    "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,"
    "subjects,subjectCodes"
)
CLASSES = (
    "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods"
)
ENROLLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate"
)
CHANGED = "2026-11-01T00:00:00.000Z"


def _table(header: str, rows: Sequence[str]) -> str:
    return "\r\n".join([header, *rows, ""])


def _manifest(version: str, mode: str) -> str:
    rows = ["manifest.version,1.0", f"oneroster.version,{version}"]
    rows += [f"file.{name},{mode}" for name in ("users", "courses", "classes", "enrollments")]
    rows += [f"file.{name},absent" for name in ("academicSessions", "orgs", "demographics")]
    return _table("propertyName,value", rows)


def _user(user_id: str, role: str = "student", status: str = "", enabled: str = "true") -> str:
    name = user_id.capitalize()
    return f"{user_id},{status},,{enabled},s1,{role},{user_id},,{name},Doe,,,{user_id}@x.org,,,,09,"


def _user_1_2(user_id: str, status: str = "active") -> str:
    return (
        f"{user_id},{status},{CHANGED},true,{user_id},,{user_id.capitalize()},Doe,,,"
        f"{user_id}@x.org,,,,09,,,,,,,s1,"
    )


def _row(
    number: int,
    class_id: str,
    user_id: str,
    role: str = "student",
    *,
    status: str = "",
    ends: str = "",
) -> str:
    return f"e{number},{status},,{class_id},s1,{user_id},{role},,,{ends}"


def _school(
    users: Sequence[str], enrollments: Sequence[str], *, version: str = "1.1", mode: str = "bulk"
) -> dict[str, str]:
    return {
        "manifest.csv": _manifest(version, mode),
        "users.csv": _table(USERS_1_1 if version == "1.1" else USERS_1_2, users),
        "courses.csv": _table(COURSES, ["c1,,,,Algebra I,MATH-101,09,s1,,", "c2,,,,Botany,,,s1,,"]),
        "classes.csv": _table(
            CLASSES,
            [
                "k1,,,Algebra period 1,09,c1,1-A,scheduled,,s1,t1,,,1",
                "k2,,,Algebra period 2,09,c1,1-B,scheduled,,s1,t1,,,2",
                "k3,,,Plants,09,c2,,scheduled,,s1,t1,,,3",
            ],
        ),
        "enrollments.csv": _table(ENROLLMENTS, enrollments),
    }


def test_a_bulk_of_1_1_enrolls_students_and_nobody_else(system: Roster) -> None:
    a_course("Algebra", code="MATH-101")
    a_course("Botany")
    users = [_user("ada"), _user("bob"), _user("tess", "teacher"), _user("pat", "parent")]
    users += [_user("off", enabled="false"), _user("left", status="tobedeleted"), _user("odd")]
    rows = [
        _row(1, "k1", "ada"),
        _row(2, "k3", "ada", status="active"),
        _row(3, "k2", "bob"),
        _row(4, "k1", "tess", "teacher"),
        _row(5, "k1", "pat", ""),
        _row(6, "k1", "tess"),
        _row(7, "k1", "off"),
        _row(8, "k1", "left"),
        _row(9, "k9", "odd"),
        _row(10, "k1", "ghost"),
        _row(11, "k1", "odd", status="perhaps"),
        _row(12, "k1", "odd", ends="2026-01-31"),
        _row(13, "k2", "odd", status="tobedeleted"),
    ]
    report = system(_school(users, rows))
    assert (
        report.format
        == "OneRoster 1.1, bulk: students missing from one of its courses lose access to it"
    )
    assert [row.detail for row in report.rows] == [
        "enrolled in Algebra, with a new account",
        "enrolled in Botany",
        "enrolled in Algebra, with a new account",
        "teacher: only students are enrolled",
        "parent: only students are enrolled",
        "student in enrollments.csv, but teacher as a user",
        "no account has this e-mail address",
        "no account has this e-mail address",
        "the course doesn't exist",
        "the user ghost isn't in the roster",
        "the status 'perhaps' isn't known",
        "no account has this e-mail address",
        "the same as line 13",
    ]
    assert [row.outcome for row in report.rows].count("refused") == 4
    assert report.rows[0].name == "Ada Doe"
    assert (report.rows[0].file, report.rows[0].line) == ("enrollments.csv", 2)
    assert system(_school(users, rows)).run_id is None
    assert_sound()


def test_who_is_missing_in_a_bulk_leaves_if_imports_alone_have_let_them_in(
    system: Roster, sql: Sql
) -> None:
    algebra, other = a_course("Algebra", code="MATH-101"), a_course("Other")
    users = [_user(each) for each in ("ada", "bob", "cleo")]
    system(_school(users, [_row(each, "k1", user) for each, user in enumerate(["ada", "bob"])]))
    [(ada,), (bob,)] = sql("SELECT id FROM users ORDER BY email")
    enrollment.enroll(bob, algebra, by=None)  # an admin's decision, too
    eve = a_student("Eve", email="eve@x.org")
    enrollment.enroll(eve, algebra, by=None)
    enrollment.enroll(ada, other, by=None)
    report = system(_school(users, [_row(1, "k1", "cleo")]))
    assert outcomes(report) == [
        ("cleo@x.org", "enrolled in Algebra, with a new account"),
        ("ada@x.org", "unenrolled from Algebra"),
    ]
    assert [loss.emails for loss in report.losing] == [["ada@x.org"]]
    enrolled = "SELECT user_id, course_id FROM enrollments ORDER BY 1, 2"
    assert sql(enrolled) == [(ada, other), (bob, algebra), (eve, algebra), (eve + 1, algebra)]
    assert report.run_id is not None
    undo(report.run_id, by=None)
    assert sql(enrolled) == [(ada, algebra), (ada, other), (bob, algebra), (eve, algebra)]
    assert_sound()


def test_nobody_leaves_for_missing_while_a_line_of_the_course_is_unclear(system: Roster) -> None:
    a_course("Algebra", code="MATH-101")
    users = [_user("ada"), _user("bob")]
    system(_school(users, [_row(1, "k1", "ada")]))
    report = system(_school(users, [_row(1, "k1", "bob"), _row(2, "k1", "ghost")]))
    assert report.losing == []
    assert report.warnings[0] == (
        "1 course has lines that were refused. Until those lines are corrected, nobody loses"
        " access to this course for being missing from the roster."
    )


def test_an_empty_bulk_takes_nothing_away_until_it_is_allowed(system: Roster, sql: Sql) -> None:
    a_course("Algebra", code="MATH-101")
    users = [_user("ada"), _user("bob")]
    system(_school(users, [_row(1, "k1", "ada"), _row(2, "k1", "bob")]))
    empty = system(_school(users, []))
    assert (empty.applied, empty.allow_unenroll) == (False, 2)
    assert sql("SELECT count(*) FROM enrollments") == [(2,)]
    assert system(_school(users, []), allow=2).applied
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


def test_a_delta_of_1_2_changes_whom_it_names_and_nobody_else(system: Roster, sql: Sql) -> None:
    a_course("Algebra", code="MATH-101")
    people = ("ada", "bob", "cleo", "dan")
    first = [_row(each, "k1", user, status="active") for each, user in enumerate(people)]
    roles = [f"r{user},active,{CHANGED},{user},primary,student,,,s1," for user in (*people, "eve")]
    roles += [f"rt,active,{CHANGED},tess,primary,teacher,,,s1,"]
    roles += [f"ru,tobedeleted,{CHANGED},tess,secondary,student,,,s1,"]
    users = [_user_1_2(user) for user in (*people, "eve", "tess")]
    files = _school(users, first, version="1.2", mode="bulk")
    system({**files, "roles.csv": _table(ROLES, roles)}, zipped=True)
    changed = [_user_1_2("dan", "tobedeleted"), *users[:2], *users[4:]]
    rows = [
        _row(1, "k1", "ada", status="tobedeleted"),
        _row(2, "k2", "eve", status="active"),
        _row(3, "k1", "bob", status="tobedeleted"),
        _row(4, "k2", "bob", status="active"),
        _row(5, "k1", "tess", "", status="active"),
    ]
    delta = _school(changed, rows, version="1.2", mode="delta")
    report = system({**delta, "roles.csv": _table(ROLES, roles)}, zipped=True)
    assert report.format == "OneRoster 1.2, delta: only those listed are changed"
    assert outcomes(report) == [
        ("ada@x.org", "unenrolled from Algebra"),
        ("eve@x.org", "enrolled in Algebra, with a new account"),
        ("bob@x.org", "enrolled by line 5"),
        ("bob@x.org", "already enrolled in Algebra"),
        ("tess@x.org", "teacher: only students are enrolled"),
        ("dan@x.org", "unenrolled from Algebra"),  # deleted as a user
    ]
    assert sql("SELECT email FROM users JOIN enrollments ON user_id = users.id ORDER BY 1") == [
        ("bob@x.org",),
        ("cleo@x.org",),
        ("eve@x.org",),
    ]
    assert_sound()


def test_without_a_manifest_nobody_leaves_for_missing(system: Roster) -> None:
    a_course("Algebra", code="MATH-101")
    users = [_user("ada"), _user("bob")]
    system(_school(users, [_row(1, "k1", "ada")]))
    files = _school(users, [_row(1, "k1", "bob")])
    del files["manifest.csv"]
    report = system(files)
    assert (report.losing, report.counts["create_and_enroll"]) == ([], 1)


def test_their_numbers_are_not_the_portals_ids(system: Roster) -> None:
    algebra = a_course("Something else")
    rows = [_row(1, str(algebra), "ada")]
    [row] = system(_school([_user("ada")], rows)).rows
    assert row.detail == "the course doesn't exist"


def test_a_class_that_is_deleted_there_ends(system: Roster) -> None:
    a_course("Algebra", code="MATH-101")
    system(_school([_user("ada")], [_row(1, "k1", "ada")]))
    files = _school([_user("ada")], [_row(1, "k1", "ada")], mode="delta")
    files["classes.csv"] = files["classes.csv"].replace("k1,,", "k1,tobedeleted,")
    assert outcomes(system(files)) == [("ada@x.org", "unenrolled from Algebra")]


@pytest.mark.parametrize("missing", ["users.csv", "enrollments.csv"])
def test_what_the_manifest_announces_must_be_there(
    context: Flask, tmp_path: Path, missing: str
) -> None:
    files = _school([_user("ada")], [_row(1, "k1", "ada")])
    del files[missing]
    with pytest.raises(NoRoster, match=f"lists {missing}"):
        import_roster(written(tmp_path, files), apply=False)


def test_enrollments_alone_have_no_addresses(context: Flask, tmp_path: Path) -> None:
    path = tmp_path / "enrollments.csv"
    path.write_text(_table(ENROLLMENTS, [_row(1, "k1", "ada")]))
    with pytest.raises(NoRoster, match=r"without users\.csv"):
        import_roster(path, apply=False)


def test_the_preview_names_the_format(app: Flask, context: Flask, tmp_path: Path) -> None:
    a_course("Algebra", code="MATH-101")
    path = written(tmp_path, _school([_user("ada")], [_row(1, "k1", "ada")]), zipped=True)
    lines = run(app, "import", "roster", str(path)).stdout.splitlines()
    assert lines[:2] == [
        "This is OneRoster 1.1, bulk: students missing from one of its courses lose access to it.",
        "enrollments.csv, line 2: ada@x.org: would be enrolled in Algebra, with a new account",
    ]
