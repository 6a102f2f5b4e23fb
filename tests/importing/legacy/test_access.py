"""Access in old schools: who had it, by whatever evidence."""

from flask import Flask

from lms import sync
from lms.enrollment import unenroll
from lms.importing import import_legacy
from lms.importing.legacy.receipts import DECIDE
from lms.models.payment_status import NEEDING_ATTENTION
from tests.builders import a_student
from tests.conftest import Sql
from tests.importing.conftest import Import, assert_sound
from tests.importing.old import PEOPLE, make, outcome

ADMIN = {"id": 9, "email": "root@x.org", "name": "Root", "role": "admin"}


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
                {"id": 8, "userId": 3, "courseId": "a", **paid, "status": "sideways"},
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
        2: "merged: pending, but the student is enrolled",
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
    assert "'sideways'" in payments[6][3]
    for status, *_, attention in payments:
        says_what_to_do = attention.endswith((DECIDE, "refund the payment.", "Refund the payment."))
        assert says_what_to_do is (status in NEEDING_ATTENTION), attention
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
    assert outcome(report, "student_progress", 1).startswith("refused: its payment was refunded")
    assert sql("SELECT count(*) FROM enrollments") == [(0,)]


def test_of_two_payments_for_one_course_an_admin_may_refund_one(bring_in: Import, sql: Sql) -> None:
    paid = {"userId": 1, "courseId": 1, "amountCents": 900, "status": "paid"}
    bring_in(
        {
            "users": PEOPLE,
            "courses": [{"id": 1, "title": "Algebra"}],
            "payments": [{"id": number, **paid, "sessionId": f"cs_{number}"} for number in (1, 2)],
        }
    )
    first, second = sql("SELECT id, attention FROM payments ORDER BY id")
    assert (first.attention, second.attention) == (
        "",
        f"The student also paid for this course with payment {first.id}."
        " Unless a refund is on its way, refund one of them.",
    )
    assert sync.validate().ok


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
