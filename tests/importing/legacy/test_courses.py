"""Courses and chapters of old schools, one line per thing that is wrong with them."""

from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import outcome

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
        "unseen",
        "\u200b\u202e",
        "draft",
        "f",
        "f",
        0,
        "eur",
        None,
        ("Course unseen", "draft", False, False, 0, "eur", None),
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
