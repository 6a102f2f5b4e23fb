"""People, courses and chapters of old schools, one line per thing that is wrong with them."""

from flask import Flask

from lms.enrollment import CourseFields, delete_course, delete_user, edit_course
from lms.importing import import_legacy
from tests.builders import an_admin
from tests.conftest import Sql
from tests.importing.conftest import Import, assert_sound
from tests.importing.old import make, outcome

ARGON2 = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo"
GREEDY = ARGON2.replace("m=8", "m=99999999")

# id, e-mail, name, role, password, is_active: what it becomes, and what of it is stored.
USERS = [
    (
        1,
        "ada@example.org",
        "Ada",
        "student",
        ARGON2,
        "t",
        "created",
        ("ada@example.org", "Ada", "student", ARGON2, True),
    ),
    (
        2,
        "  BOB@Example.ORG\n",
        "Bob",
        "Student ",
        None,
        1,
        "repaired",
        ("bob@example.org", "Bob", "student", "", True),
    ),
    (3, "bob@example.org", "Bobby", "admin", ARGON2, None, "merged: the same e-mail address", None),
    (
        "uuid-4",
        "carl@example.org",
        None,
        None,
        "$2b$12$bcrypt",
        "false",
        "repaired",
        ("carl@example.org", "carl", "student", "", False),
    ),
    (5, "nobody", "N", "student", None, None, "refused: the e-mail address isn't valid", None),
    (6, None, "N", "student", None, None, "refused: no e-mail address", None),
    (7, "   ", "N", "student", None, None, "refused: no e-mail address", None),
    (
        8,
        "dora@example.org",
        "  Dora \t D. ",
        "owner",
        "plain text",
        "banned",
        "repaired",
        ("dora@example.org", "Dora D.", "student", "", False),
    ),
    (
        9,
        "eve@example.org",
        "E" * 130,
        "ADMIN",
        GREEDY,
        True,
        "repaired",
        ("eve@example.org", "E" * 120, "admin", "", True),
    ),
    (
        10,
        "fred@example.org",
        "Fr\ud800ed",
        "",
        "",
        "0",
        "repaired: the role is blank",
        ("fred@example.org", "Fr\ufffded", "student", "", False),
    ),
]


def test_people(bring_in: Import, sql: Sql) -> None:
    names = ("id", "email", "name", "role", "passwordHash", "isActive")
    rows = [dict(zip(names, user[:6], strict=True)) for user in USERS]
    for row in rows:
        row["name"] = row["name"] and str(row["name"]).replace("\ud800", "\ufffd")
    report = bring_in({"users": rows})
    for user in USERS:
        assert outcome(report, "users", user[0]).startswith(str(user[6])), user
    stored = sql("SELECT email, name, role, password_hash, is_active FROM users ORDER BY email")
    expected = [user[7] for user in USERS if user[7]]
    assert [(*row[:4], bool(row[4])) for row in stored] == sorted(expected)
    assert report.without_password == 5


def test_an_account_here_stays_as_it_is(bring_in: Import, sql: Sql) -> None:
    an_admin("Grace", email="grace@example.org")
    report = bring_in(
        {"users": [{"id": 1, "email": "Grace@example.org", "name": "G", "role": "student"}]}
    )
    assert outcome(report, "users", 1).startswith(
        "merged: an account with this e-mail address already exists"
    )
    assert sql("SELECT name, role FROM users") == [("Grace", "admin")]


# id, title, status, default, public, price, currency, capacity: what becomes of it.
COURSES = [
    (
        "a",
        "Algebra",
        " Published ",
        "f",
        "1",
        0,
        "EUR",
        None,
        ("Algebra", "published", False, True, 0, "eur", None),
    ),
    (
        "b",
        "",
        None,
        "TRUE",
        None,
        None,
        None,
        3,
        ("Course b", "draft", True, False, 0, "eur", None),
    ),
    (
        "c",
        "C" * 300,
        "live",
        "maybe",
        "no",
        "free",
        "eur",
        "many",
        ("C" * 200, "draft", False, False, 0, "eur", None),
    ),
    (
        4,
        "Paid",
        "ACTIVE",
        0,
        0,
        "1999",
        "usd",
        "12",
        ("Paid", "active", False, False, 1999, "usd", 12),
    ),
    (5, "Dear", "active", 0, 1, 10**12, "eur", 0, ("Dear", "draft", False, False, 0, "eur", 0)),
    (
        6,
        "Money",
        "published",
        0,
        0,
        500,
        "euros",
        -1,
        ("Money", "draft", False, False, 500, "eur", None),
    ),
    (6, "Money", "published", 0, 0, 500, "euros", -1, None),
    (
        None,
        "Algebra",
        "archived",
        0,
        0,
        0,
        "eur",
        None,
        ("Algebra", "archived", False, False, 0, "eur", None),
    ),
]


def test_courses(bring_in: Import, sql: Sql) -> None:
    names = ("id", "title", "status", "isDefaultUnlocked", "isPublic", "priceCents", "currency")
    rows = [dict(zip((*names, "capacity"), course[:8], strict=True)) for course in COURSES]
    bring_in({"courses": rows})
    stored = sql(
        "SELECT title, status, is_default_unlocked, is_public, price_cents, currency, capacity"
        " FROM courses"
    )
    found = [(*row[:2], bool(row[2]), bool(row[3]), *row[4:]) for row in stored]
    expected = [course[8] for course in COURSES if course[8]]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_courses_of_a_school_without_statuses_are_open_to_all(bring_in: Import, sql: Sql) -> None:
    bring_in({"courses": [{"id": 1, "title": "Algebra"}]})
    assert sql("SELECT status FROM courses") == [("published",)]


def test_chapters_keep_their_order_and_orphans_are_named(bring_in: Import, sql: Sql) -> None:
    chapters: list[dict[str, object]] = [
        {"id": 1, "courseId": "a", "title": "Second", "position": 20},
        {"id": 2, "courseId": "a", "title": "First", "position": "3"},
        {"id": 3, "courseId": "a", "title": None, "position": "last"},
        {"id": 4, "courseId": "gone", "title": "Orphan", "position": 1},
        {"id": 5, "courseId": None, "title": "Lost", "position": 1},
        {"id": 2, "courseId": "a", "title": "First", "position": "3"},
    ]
    report = bring_in({"courses": [{"id": "a", "title": "A"}], "chapters": chapters})
    assert sql("SELECT title, position FROM chapters ORDER BY position") == [
        ("First", 1),
        ("Second", 2),
        ("Chapter 3", 3),
    ]
    assert outcome(report, "chapters", 4) == "refused: its course does not exist"
    assert outcome(report, "chapters", 5) == "refused: it refers to no course"


def test_an_id_that_stands_for_two_people_stands_for_none(bring_in: Import, sql: Sql) -> None:
    report = bring_in(
        {
            "users": [{"id": 1, "email": "ada@x.org"}, {"id": "1", "email": "bob@x.org"}],
            "courses": [{"id": 1, "title": "Algebra"}],
            "enrollments": [{"id": 1, "userId": 1, "courseId": 1}],
        }
    )
    assert outcome(report, "enrollments", 1).startswith("refused: two different students")
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


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
