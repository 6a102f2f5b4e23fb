"""Access and progress of old schools: who had it by whatever evidence, and how far they got."""

import sqlite3
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from lms.enrollment import intake, unenroll
from lms.importing import import_legacy
from tests.builders import a_student
from tests.conftest import Sql
from tests.importing.conftest import Import, assert_sound, counts
from tests.importing.old import Tables, make, outcome

PEOPLE = [{"id": n, "email": f"u{n}@x.org", "name": f"U{n}"} for n in range(1, 6)]
ADMIN = {"id": 9, "email": "root@x.org", "name": "Root", "role": "admin"}
CHAPTERS = [{"id": f"c{n}", "courseId": "a", "title": f"C{n}", "position": n} for n in range(1, 5)]


def test_progress_follows_from_completions_and_the_old_figure_stays_readable(
    bring_in: Import, sql: Sql
) -> None:
    report = bring_in(
        {
            "users": [*PEOPLE, {"id": 6, "email": "?"}],
            "courses": [{"id": "a", "title": "Algebra"}, {"id": "b", "title": "No chapters"}],
            "chapters": CHAPTERS,
            "chapterCompletions": [
                {"studentId": 1, "chapterId": "c1", "completedAt": "2024-05-01T10:00:00Z"},
                {"studentId": "1", "chapterId": "c2", "completedAt": 1_700_000_000_000},
                {"studentId": 1.0, "chapterId": "c2", "completedAt": None},
                {"studentId": 2, "chapterId": "c1", "completedAt": "yesterday"},
                {"studentId": 3, "chapterId": "gone", "completedAt": None},
                {"studentId": 77, "chapterId": "c1", "completedAt": None},
            ],
            "enrollments": [
                {"id": 1, "userId": 1, "courseId": "a", "progress": "50.9"},
                {"id": 2, "userId": 2, "courseId": "a", "progress": 60},
                {"id": 3, "userId": 3, "courseId": "a", "progress": -3},
                {"id": 4, "userId": 4, "courseId": "a", "progress": None},
                {"id": 5, "userId": 1, "courseId": "b", "progress": "70 %"},
                {"id": 6, "userId": 1, "courseId": "a", "progress": 10},
                {"id": 7, "userId": 88, "courseId": "a", "progress": 10},
                {"id": 8, "userId": 6, "courseId": "a", "progress": 10},
            ],
            "studentProgress": [
                {"id": 1, "studentId": 1, "courseId": "a", "totalProgress": 50},
                {"id": 2, "studentId": 2, "courseId": "a", "totalProgress": 150},
                {"id": 3, "studentId": 5, "courseId": "a", "totalProgress": "100"},
            ],
        }
    )
    assert sql(
        "SELECT u.email, c.title, e.progress FROM enrollments e JOIN users u ON u.id = e.user_id"
        " JOIN courses c ON c.id = e.course_id ORDER BY 1, 2"
    ) == [
        ("u1@x.org", "Algebra", 50),
        ("u1@x.org", "No chapters", 0),
        ("u2@x.org", "Algebra", 25),
        ("u3@x.org", "Algebra", 0),
        ("u4@x.org", "Algebra", 0),
        ("u5@x.org", "Algebra", 0),
    ]
    assert outcome(report, "enrollments", 1) == "created"
    assert "the chapters completed do not give" in outcome(report, "enrollments", 2)
    assert "is no percentage" in outcome(report, "enrollments", 3)
    assert "no progress is given" in outcome(report, "enrollments", 4)
    assert "the course has no chapters" in outcome(report, "enrollments", 5)
    assert outcome(report, "enrollments", 6).startswith("merged: the same student and course")
    assert outcome(report, "enrollments", 7) == "refused: its student does not exist"
    assert outcome(report, "enrollments", 8) == "refused: its student was refused"
    assert "progress without an enrollment" in outcome(report, "student_progress", 3)
    told = sql("SELECT details FROM audit_entries WHERE action = 'access.granted' ORDER BY id")
    assert '"old_progress": "60"' in str(told).replace("'", '"')
    assert '"old_total_progress": "150"' in str(told).replace("'", '"')
    assert sql("SELECT DISTINCT kind FROM access_sources") == [("import",)]


def test_old_figures_become_chapters_where_no_completions_were_recorded(
    bring_in: Import, sql: Sql
) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": "a", "title": "Algebra"}],
            "chapters": CHAPTERS,
            "enrollments": [
                {"userId": 1, "courseId": "a", "progress": 60},
                {"userId": 2, "courseId": "a", "progress": 100},
                {"userId": 3, "courseId": "a", "progress": "150"},
            ],
            "studentProgress": [
                {"studentId": 3, "courseId": "a", "totalProgress": 75, "lastActivityAt": 1.6e9}
            ],
        }
    )
    assert sql(
        "SELECT u.email, e.progress, e.completed_at IS NOT NULL FROM enrollments e"
        " JOIN users u ON u.id = e.user_id ORDER BY 1"
    ) == [("u1@x.org", 50, False), ("u2@x.org", 100, True), ("u3@x.org", 75, False)]
    assert sql(
        "SELECT ch.title FROM chapter_completions cc JOIN chapters ch ON ch.id = cc.chapter_id"
        " JOIN users u ON u.id = cc.student_id WHERE u.email = 'u1@x.org' ORDER BY 1"
    ) == [("C1",), ("C2",)]


def test_requests_and_payments_let_in_whom_the_old_school_forgot(
    bring_in: Import, sql: Sql
) -> None:
    a_student("Here already", email="u5@x.org")
    paid = {"amountCents": 900, "currency": "EUR", "status": "paid"}
    report = bring_in(
        {
            "users": [*PEOPLE, ADMIN],
            "courses": [
                {"id": "a", "title": "Algebra", "capacity": 1, "is_default_unlocked": "f"},
                {"id": "w", "title": "Welcome", "capacity": 5, "is_default_unlocked": "t"},
            ],
            "enrollments": [{"id": 1, "userId": 1, "courseId": "a"}],
            "accessRequests": [
                {"id": 1, "studentId": 2, "courseId": "a", "status": " APPROVED"},
                {"id": 2, "studentId": 1, "courseId": "a", "status": "pending"},
                {"id": 3, "studentId": 3, "courseId": "a", "status": "Pending", "createdAt": "x"},
                {"id": 4, "studentId": 3, "courseId": "a", "status": "pending", "createdAt": 1e9},
                {"id": 5, "studentId": 9, "courseId": "a", "status": "pending"},
                {"id": 6, "studentId": 4, "courseId": "a", "status": "rejected"},
                {"id": 7, "studentId": 4, "courseId": "a", "status": None},
                {"id": 8, "studentId": 4, "courseId": "?", "status": "approved"},
            ],
            "payments": [
                {"id": 1, "userId": 5, "courseId": "a", **paid, "stripeSessionId": "cs_1"},
                {"id": 2, "userId": 5, "courseId": "a", **paid, "stripeSessionId": "cs_1"},
                {"id": 3, "userId": 1, "courseId": None, **paid},
                {"id": 4, "userId": "gone", "courseId": "a", **paid, "refundedCents": 100},
                {"id": 5, "userId": 1, "courseId": "a", **paid, "amountCents": "nine"},
                {"id": 6, "userId": 1, "courseId": "a", **paid, "status": "pending"},
                {"id": 7, "userId": 3, "courseId": "a", **paid, "status": "REFUNDED "},
                {"id": 8, "userId": 3, "courseId": "a", **paid, "status": "succeeded"},
            ],
        }
    )
    assert sql(
        "SELECT u.email, s.kind FROM access_sources s JOIN users u ON u.id = s.user_id"
        " JOIN courses c ON c.id = s.course_id WHERE c.title = 'Algebra' ORDER BY 1, 2"
    ) == [
        ("u1@x.org", "import"),
        ("u2@x.org", "approval"),
        ("u2@x.org", "import"),
        ("u5@x.org", "payment"),
    ]
    expected = {
        1: "approved, but not enrolled",
        2: "merged: pending, but the student is in",
        3: "merged: another pending request",
        4: "created",
        5: "refused: an admin's request",
        7: "the status is blank",
        8: "refused: its course does not exist",
    }
    for row, said in expected.items():
        assert said in outcome(report, "access_requests", row), row
    payments = sql(
        "SELECT status, amount_cents, refunded_cents, attention FROM payments ORDER BY id"
    )
    assert [tuple(row[:3]) for row in payments] == [
        ("paid", 900, 0),
        ("undeliverable", 900, 0),
        ("needs_review", 900, 100),
        ("needs_review", 0, 0),
        ("expired", 900, 0),
        ("refunded", 900, 900),
        ("needs_review", 900, 0),
    ]
    assert "'nine'" in payments[3][3]
    assert "'succeeded'" in payments[6][3]
    assert sql("SELECT title, capacity FROM courses ORDER BY title") == [
        ("Algebra", 3),
        ("Welcome", None),
    ]
    assert sql("SELECT count(*) FROM decisions") == [(2,)]


def test_progress_alone_does_not_bring_back_an_access_whose_payment_went_back(
    bring_in: Import, sql: Sql
) -> None:
    report = bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "Algebra"}],
            "student_progress": [{"id": 1, "student_id": 1, "course_id": 1, "total_progress": 0}],
            "payments": [
                {"id": 1, "user_id": 1, "course_id": 1, "amount_cents": 5, "status": "refunded"}
            ],
        }
    )
    assert outcome(report, "student_progress", 1).startswith("refused: its payment went back")
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


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


def test_what_an_admin_ended_here_an_import_does_not_bring_back(
    context: Flask, old_url: str, sql: Sql
) -> None:
    tables: dict[str, list[dict[str, object]]] = {
        "users": [dict(person) for person in PEOPLE[:2]],
        "courses": [{"id": 1, "title": "Algebra"}],
        "enrollments": [{"id": 1, "userId": 1, "courseId": 1}],
    }
    make(old_url, tables)
    import_legacy(old_url, apply=True)
    unenroll(*sql("SELECT user_id, course_id FROM enrollments")[0], by=None)
    tables["enrollments"].append({"id": 2, "userId": 2, "courseId": 1})
    make(old_url, tables)
    again = import_legacy(old_url, apply=True)
    assert outcome(again, "enrollments", 1).startswith("refused: this access was ended here")
    assert outcome(again, "enrollments", 2) == "created"
    assert sql("SELECT count(*) FROM import_schools") == [(1,)]
    assert sql("SELECT count(*) FROM enrollments") == [(1,)]
    assert_sound()


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
    follow = intake.follow
    failures: list[Exception] = [
        OperationalError("", None, sqlite3.OperationalError("database is locked")),
        MemoryError("the power goes"),
    ]

    def fail(*arguments: Any) -> None:
        follow(*arguments)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(intake, "follow", fail)
    with pytest.raises(MemoryError):
        import_legacy(old_url, apply=True)
    assert counts() == before
    report = import_legacy(old_url, apply=True)  # the lock is tried again
    assert failures == []
    assert report.created == 11
    assert counts()["enrollments"] == 5
    assert_sound()
