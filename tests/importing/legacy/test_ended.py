"""What was over in an old school stays over: deleted, banned, ended, unpublished."""

from typing import Any

import pytest

from lms.importing.legacy.receipts import DECIDE
from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import PEOPLE, outcome

ACCESS = "SELECT u.email FROM enrollments e JOIN users u ON u.id = e.user_id ORDER BY 1"
CHAPTERS = [{"id": f"c{n}", "courseId": 1, "title": f"C{n}", "position": n} for n in (1, 2)]

ENDED: list[dict[str, Any]] = [
    {"status": "CANCELLED"},
    {"status": "dropped"},
    {"status": "Inactive"},
    {"status": "suspended"},
    {"status": "EXPIRED"},
    {"status": "pending"},
    {"status": "vip"},  # unknown: asked
    {"deletedAt": "2026-03-01 00:00:00"},
    {"deleted_at": "a date that nobody can read"},
    {"isActive": "0"},
    {"cancelledAt": 1_700_000_000},
    {"cancelled": "true", "suspended": "false"},
    {"expiresAt": "2024-01-01T00:00:00Z"},
    {"expiresAt": "soon"},
    {"startDate": "2099-01-01"},
]
STANDING: list[dict[str, Any]] = [
    {"status": "ACTIVE"},
    {"status": "completed"},
    {"status": None},
    {"deletedAt": None},
    {"deletedAt": "0000-00-00 00:00:00"},
    {"deleted": "false", "isActive": "t"},
    {"expiresAt": "2099-01-01T00:00:00Z"},
    {"startDate": "2020-01-01"},
]


def test_access_that_had_ended_stays_so_and_its_learning_is_kept(
    bring_in: Import, sql: Sql
) -> None:
    marks = [*ENDED, *STANDING]
    people = [{"id": n, "email": f"u{n:02}@x.org"} for n in range(len(marks))]
    enrollments = [
        {"id": n, "userId": n, "courseId": 1, "progress": 50, **dict.fromkeys(_all(marks)), **mark}
        for n, mark in enumerate(marks)
    ]
    paid = {"courseId": 1, "amountCents": 900, "currency": "eur", "status": "paid"}
    report = bring_in(
        {
            "users": people,
            "courses": [{"id": 1, "title": "A", "priceCents": 900, "currency": "eur"}],
            "chapters": CHAPTERS,
            "enrollments": enrollments,
            "studentProgress": [
                {"id": n, "studentId": n, "courseId": 1, "totalProgress": 50}
                for n in range(len(marks))
            ],
            "payments": [{"id": 1, "userId": 0, **paid}, {"id": 2, "userId": 15, **paid}],
            "accessRequests": [
                {"id": 1, "studentId": 1, "courseId": 1, "status": "approved"},
            ],
        }
    )
    standing = [f"u{n:02}@x.org" for n in range(len(ENDED), len(marks))]
    assert [row.email for row in sql(ACCESS)] == standing
    assert sql("SELECT count(*) FROM chapter_completions") == [(len(marks),)]
    for number, mark in enumerate(marks):
        said = outcome(report, "enrollments", number)
        assert said.startswith("refused: no access in the earlier") is (number < len(ENDED)), mark
    assert [tuple(row) for row in sql("SELECT status, attention FROM payments ORDER BY id")] == [
        ("needs_review", f"The access it gave had ended in the earlier system. {DECIDE}"),
        ("paid", ""),
    ]
    [question] = report.questions
    assert "'vip' mean in enrollments.status (1 row)" in question.question
    assert "note the date, and unenroll the student then" in outcome(report, "enrollments", 21)
    [found] = [each for each in report.tables if each.table == "enrollments"]
    assert {each.topic for each in found.reasons if "in the future" in each.reason} == {"access"}


def _all(marks: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mark in marks for name in mark))


def test_a_word_that_nobody_knows_waits_for_what_the_owner_says(bring_in: Import, sql: Sql) -> None:
    paid = {"userId": 1, "courseId": 1, "amountCents": 900, "currency": "eur", "status": "paid"}
    course = {"id": 1, "title": "A", "priceCents": 900, "currency": "eur", "status": "Gold"}
    tables = {
        "users": [{**PEOPLE[0], "status": None}, {**PEOPLE[1], "status": "premium"}],
        "courses": [course],
        "enrollments": [{"id": 1, "userId": 1, "courseId": 1, "status": "VIP"}],
        "accessRequests": [{"id": 1, "studentId": 1, "courseId": 1, "status": "hmm"}],
        "payments": [{"id": 1, **paid}],
    }
    asked = bring_in(tables)
    assert [question.answers[0] for question in asked.questions] == [
        "--map access_requests.status.hmm=approved",
        "--map courses.status.Gold=published",
        "--map enrollments.status.VIP=active",
        "--map users.status.premium=active",
    ]
    assert sql("SELECT email FROM users") == [("u1@x.org",)]
    assert sql("SELECT status FROM courses") == [("draft",)]
    for table in ("enrollments", "payments", "access_requests", "decisions"):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]
    said = [question.answers[0].removeprefix("--map ") for question in asked.questions]
    report = bring_in(tables, maps=said)
    assert report.questions == []
    assert sql("SELECT email, is_active FROM users ORDER BY 1") == [
        ("u1@x.org", True),
        ("u2@x.org", True),
    ]
    assert sql("SELECT status, price_cents FROM courses") == [("published", 900)]
    assert [row.email for row in sql(ACCESS)] == ["u1@x.org"]
    assert sql("SELECT kind FROM access_sources ORDER BY 1") == [("approval",), ("payment",)]


def test_of_two_rows_for_a_pair_the_one_that_stands_counts(bring_in: Import, sql: Sql) -> None:
    rows = [
        {"id": 1, "userId": 1, "courseId": 1, "status": "cancelled"},
        {"id": 2, "userId": 1, "courseId": 1, "status": "active"},
        {"id": 3, "userId": 2, "courseId": 1, "status": "active"},
        {"id": 4, "userId": 2, "courseId": 1, "status": "cancelled"},
    ]
    bring_in({"users": PEOPLE, "courses": [{"id": 1, "title": "A"}], "enrollments": rows})
    assert [row.email for row in sql(ACCESS)] == ["u1@x.org", "u2@x.org"]


CLOSED: list[dict[str, Any]] = [
    {"active": "0"},
    {"is_active": "f"},
    {"banned": "1"},
    {"banned": "f", "suspended": "t"},
    {"banned": "t", "banExpires": "2099-01-01T00:00:00Z"},
    {"status": "BLOCKED"},
    {"deletedAt": "2026-01-01"},
    {"isDeleted": "1"},
    {"disabledAt": "2026-01-01T10:00:00Z"},
]
OPEN: list[dict[str, Any]] = [
    {"active": "1"},
    {"banned": "0", "deletedAt": None},
    {"banned": "t", "banExpires": "2020-01-01T00:00:00Z"},
    {"status": "Active"},
]


def test_closed_accounts_stay_closed(bring_in: Import, sql: Sql) -> None:
    marks = [*CLOSED, *OPEN]
    people = [
        {"id": n, "email": f"u{n:02}@x.org", **dict.fromkeys(_all(marks)), **mark}
        for n, mark in enumerate(marks)
    ]
    bring_in({"users": people})
    found = [bool(row.is_active) for row in sql("SELECT is_active FROM users ORDER BY email")]
    assert found == [False] * len(CLOSED) + [True] * len(OPEN)


def test_a_deleted_account_brings_nothing_to_the_one_that_took_its_address(
    bring_in: Import, sql: Sql
) -> None:
    course = {"id": 1, "title": "A", "priceCents": 900, "currency": "eur"}
    paid = {"userId": 1, "amountCents": 900, "currency": "eur", "status": "paid"}
    bring_in(
        {
            "users": [
                {"id": 1, "email": "ada@x.org", "deletedAt": "2025-01-01"},
                {"id": 2, "email": "ada@x.org", "deletedAt": None},
                {"id": 3, "email": "gone@x.org", "deletedAt": "2025-01-01"},
            ],
            "courses": [course, *({**course, "id": n, "title": "ABC"[n - 1]} for n in (2, 3))],
            "enrollments": [
                {"id": 1, "userId": 1, "courseId": 1},
                {"id": 2, "userId": 2, "courseId": 2},
                {"id": 3, "userId": 3, "courseId": 1},
            ],
            "accessRequests": [
                {"id": 1, "studentId": 3, "courseId": 2, "status": "approved"},
                {"id": 2, "studentId": 3, "courseId": 1, "status": "pending"},
            ],
            # For C there is nothing but the payment.
            "payments": [{"id": n, "courseId": n, **paid} for n in (1, 3)],
        }
    )
    assert sql("SELECT email, is_active FROM users ORDER BY 1") == [
        ("ada@x.org", True),
        ("gone@x.org", False),
    ]
    taken = "SELECT c.title FROM enrollments e JOIN courses c ON c.id = e.course_id"
    assert sql(taken) == [("B",)]
    assert sql("SELECT status FROM payments") == [("needs_review",)] * 2
    assert sql("SELECT count(*) FROM access_requests") == [(0,)]


DRAFTS: list[dict[str, Any]] = [
    {"isPublished": "0"},
    {"isPublished": "f", "status": "active"},
    {"status": "UNPUBLISHED"},
    {"status": "coming soon"},
    {"publishedAt": None, "isPublished": "0"},
    {"publishedAt": "2099-01-01T00:00:00Z", "isPublished": "1"},
    {"active": "0"},
]


def test_what_was_not_published_is_not(bring_in: Import, sql: Sql) -> None:
    courses: list[dict[str, Any]] = [
        {"id": n, "title": f"C{n}", "isPublic": "1", **mark} for n, mark in enumerate(DRAFTS)
    ]
    for course in courses:  # a school of its own each: columns that are missing say nothing
        report = bring_in({"courses": [course]})
        assert report.questions == []
    assert {row.status for row in sql("SELECT status FROM courses")} == {"draft"}


@pytest.mark.parametrize("gone", [{"deletedAt": "2026-01-01"}, {"isArchived": "1"}])
def test_a_course_that_is_gone_is_archived(
    gone: dict[str, str], bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "Gone", "status": "published", **gone}],
            "enrollments": [{"id": 1, "userId": 1, "courseId": 1}],
            "chapters": [
                {**chapter, "isPublished": "1" if chapter["id"] == "c1" else "0"}
                for chapter in CHAPTERS
            ],
        }
    )
    assert sql("SELECT status FROM courses") == [("archived",)]
    assert sql("SELECT count(*) FROM enrollments") == [(int("isArchived" in gone),)]
    assert sql("SELECT title FROM chapters") == [("C1",)]
