"""Words of status and role as old schools write them, and who decided what, and why."""

from typing import Any

from tests.conftest import Sql
from tests.importing.conftest import Import
from tests.importing.old import PEOPLE, outcome

PAYMENTS = {
    "succeeded": "paid",
    "COMPLETED": "paid",
    "paid_out": "paid",
    "Partially Refunded": "partially_refunded",
    "REFUND": "refunded",
    "requires_payment_method": "expired",
    "canceled": "expired",
    "DECLINED": "failed",
    "authorized": "needs_review",
    "chargeback": "disputed",
    "charged_back": "dispute_lost",
    "blue": "needs_review",
}


def test_payments_are_what_their_words_mean(bring_in: Import, sql: Sql) -> None:
    bring_in(
        {
            "users": PEOPLE,
            "courses": [
                {"id": n, "title": f"C{n:02}", "priceCents": 900, "currency": "usd"}
                for n in range(len(PAYMENTS))
            ],
            "payments": [
                {
                    "id": n,
                    "userId": 1,
                    "courseId": n,
                    "amountCents": 900,
                    "currency": "usd",
                    "status": word,
                    "refundedCents": 300 if word.startswith("Partially") else 0,
                }
                for n, word in enumerate(PAYMENTS)
            ],
        }
    )
    stored = sql("SELECT status FROM payments ORDER BY course_title")
    assert [row.status for row in stored] == list(PAYMENTS.values())


ROLES = {
    "SUPER_ADMIN": "admin",
    "Administrator": "admin",
    '["admin"]': "admin",
    "{STUDENT,ADMIN}": "admin",
    "USER": "student",
    "TEACHER": "student",
    "INSTRUCTOR": "student",
    "wizard": "student",
}


def test_roles_give_no_more_than_they_gave(bring_in: Import, sql: Sql) -> None:
    people = [
        {"id": n, "email": f"u{n}@x.org", "name": "N", "role": role} for n, role in enumerate(ROLES)
    ]
    report = bring_in({"users": people})
    stored = sql("SELECT role FROM users ORDER BY email")
    assert [row.role for row in stored] == list(ROLES.values())
    assert outcome(report, "users", 4) == "created"
    assert "make an admin of anyone who needs to be one" in outcome(report, "users", 5)
    assert "the role is unknown" in outcome(report, "users", 7)


def test_names_in_two_columns_are_one(bring_in: Import, sql: Sql) -> None:
    bring_in(
        {
            "users": [
                {"id": 1, "email": "a@x.org", "firstName": "Ada", "lastName": "Lovelace"},
                {"id": 2, "email": "b@x.org", "firstName": "Bob", "lastName": None},
            ]
        }
    )
    assert sql("SELECT name FROM users ORDER BY email") == [("Ada Lovelace",), ("Bob",)]


# Status, and what it becomes: a decision, or a request that still waits.
REQUESTS = [
    ("DENIED", "rejected"),
    ("DECLINED", "rejected"),
    ("CANCELLED", "rejected"),
    ("Accepted", "approved"),
    ("WAITING", "pending"),
]


def test_who_decided_why_and_what_the_student_wrote_are_kept(bring_in: Import, sql: Sql) -> None:
    admin = {"id": 9, "email": "root@x.org", "name": "Root Admin", "role": "ADMIN"}
    texts: list[dict[str, Any]] = [
        {"message": "please", "rejectionReason": "too full", "reviewedBy": 9},
        {"reason": "I need it", "adminNote": "not now", "reviewedBy": "root@x.org"},
        {"note": "by mistake", "reviewedBy": 77},
        {"message": "me", "reason": "paid by invoice", "reviewedBy": "Grace Hopper"},
        {"message": "may I?", "note": "asked twice", "reviewedBy": None},
    ]
    columns = dict.fromkeys(name for each in texts for name in each)
    bring_in(
        {
            "users": [*PEOPLE, admin],
            "courses": [{"id": 1, "title": "A"}],
            "accessRequests": [
                {
                    "id": n,
                    "studentId": n,
                    "courseId": 1,
                    "status": word,
                    **columns,
                    **text,
                    "createdAt": "2026-05-08T05:05:05Z",
                    "reviewedAt": None if result == "pending" else "2026-05-09 07:07:07 +00:00",
                }
                for n, ((word, result), text) in enumerate(zip(REQUESTS, texts, strict=True), 1)
            ],
        }
    )
    assert [
        tuple(row)
        for row in sql(
            "SELECT status, message, reason, decided_by_name FROM decisions ORDER BY student_email"
        )
    ] == [
        ("rejected", "please", "too full", "Root Admin"),
        ("rejected", "I need it", "not now", "Root Admin"),
        ("rejected", "by mistake", "Withdrawn in the earlier system.", "An earlier system"),
        ("approved", "me", "paid by invoice", "Grace Hopper"),
    ]
    root = sql("SELECT id FROM users WHERE email = 'root@x.org'")[0].id
    decided = sql("SELECT DISTINCT decided_by FROM decisions WHERE decided_by_name = 'Root Admin'")
    assert decided == [(root,)]
    assert sql("SELECT message FROM access_requests") == [("may I?\n\nasked twice",)]


def test_requests_without_words_are_told_by_their_marks(bring_in: Import, sql: Sql) -> None:
    marks: list[dict[str, Any]] = [
        {"approved": "1", "reviewedAt": "2026-01-02T00:00:00Z"},
        {"approved": "0", "reviewedAt": "2026-01-02T00:00:00Z"},
        {"approved": "0", "reviewedAt": None},
    ]
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "A"}],
            "accessRequests": [
                {"id": n, "studentId": n, "courseId": 1, **mark} for n, mark in enumerate(marks, 1)
            ],
        }
    )
    assert sql("SELECT status FROM decisions ORDER BY student_email") == [
        ("approved",),
        ("rejected",),
    ]
    assert sql("SELECT count(*) FROM access_requests") == [(1,)]
