"""Decisions by JSON, one and many at a time, as the contract tells them."""

from lms import enrollment
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.api.problems import problem
from tests.web.browser import Browser
from tests.web.conftest import Act


def test_approving_lets_the_student_in(admin: Browser, act: Act, sql: Sql) -> None:
    student, course = act(a_student), act(a_course)
    request = act(a_request, student, course)

    answer = admin.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})

    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "approved",
        "studentId": student,
        "courseId": course,
        "offer": None,
    }
    assert sql("SELECT user_id, course_id FROM enrollments") == [(student, course)]
    assert admin.get("/api/requests").get_json()["total"] == 0


def test_approving_for_a_course_that_is_sold_holds_a_seat(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, price_cents=4900, requires_approval=True)
    request = act(a_request, act(a_student), course)

    answer = admin.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})

    [(number,)] = sql("SELECT id FROM offers WHERE status = 'open'")
    offer = answer.get_json()["offer"]
    assert (answer.status_code, offer["id"]) == (200, number)
    assert offer["expiresAt"].endswith("Z")
    assert sql("SELECT id FROM enrollments") == []


def test_rejecting_tells_the_reason(admin: Browser, act: Act, sql: Sql) -> None:
    student, course = act(a_student), act(a_course)
    request = act(a_request, student, course)

    answer = admin.send_json(
        "PATCH", f"/api/admin/requests/{request}", {"action": "reject", "reason": "Not yet"}
    )

    assert answer.get_json() == {
        "status": "rejected",
        "studentId": student,
        "courseId": course,
        "offer": None,
    }
    assert sql("SELECT status, reason, decided_by FROM decisions") == [
        ("rejected", "Not yet", admin.user_id)
    ]
    assert sql("SELECT * FROM enrollments") == []


def test_the_second_decision_names_the_first(admin: Browser, act: Act) -> None:
    request = act(a_request, act(a_student), act(a_course))
    act(enrollment.reject, request, by=act(an_admin, "Grace Hopper"))

    answer = admin.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})

    assert problem(answer) == (409, "already_reviewed")
    told = answer.get_json()
    assert (told["decidedBy"], told["decision"]) == ("Grace Hopper", "rejected")
    assert told["decidedAt"].endswith("Z")


def test_approving_into_a_full_course_leaves_the_request(admin: Browser, act: Act) -> None:
    course = act(a_course, capacity=0)
    request = act(a_request, act(a_student), course)
    answer = admin.send_json("PATCH", f"/api/admin/requests/{request}", {"action": "approve"})
    assert problem(answer) == (409, "course_full")
    assert admin.get("/api/requests").get_json()["total"] == 1


def test_deciding_an_unknown_request_is_not_found(admin: Browser) -> None:
    for number in (999, 2**31, 10**20):
        answer = admin.send_json("PATCH", f"/api/admin/requests/{number}", {"action": "approve"})
        assert problem(answer) == (404, "not_found")


def test_a_malformed_decision_changes_nothing(admin: Browser, act: Act) -> None:
    request = act(a_request, act(a_student), act(a_course))
    bodies: list[object] = [
        None,
        [],
        {},
        {"action": "maybe"},
        {"action": "approve", "reason": 5},
        {"action": "approve", "reason": "x" * 2001},
        {"action": "approve", "reason": "\x00"},
        {"action": "approve", "extra": 1},
    ]
    for body in bodies:
        answer = admin.send_json("PATCH", f"/api/admin/requests/{request}", body)
        assert problem(answer) == (422, "invalid")
    assert admin.get("/api/requests").get_json()["total"] == 1


def test_bad_rows_of_a_bulk_stop_no_other(admin: Browser, act: Act, sql: Sql) -> None:
    course, full = act(a_course), act(a_course, "Full", capacity=0)
    students = [act(a_student) for _ in range(3)]
    one, two = act(a_request, students[0], course), act(a_request, students[1], course)
    stuck = act(a_request, students[2], full)
    decided = act(a_request, students[2], course)
    act(enrollment.reject, decided, by=admin.user_id)

    answer = admin.send_json(
        "POST",
        "/api/admin/requests/bulk",
        {"ids": [one, decided, 999, stuck, two, one, -1, 2**40], "action": "approve"},
    )

    assert answer.status_code == 200
    assert answer.get_json() == {
        "results": [
            {"id": one, "outcome": "approved"},
            {"id": decided, "outcome": "already_reviewed"},
            {"id": 999, "outcome": "not_found"},
            {"id": stuck, "outcome": "course_full"},
            {"id": two, "outcome": "approved"},
            {"id": -1, "outcome": "not_found"},
            {"id": 2**40, "outcome": "not_found"},
        ],
        "counts": {
            "approved": 2,
            "rejected": 0,
            "already_reviewed": 1,
            "not_found": 3,
            "course_full": 1,
        },
    }
    assert sorted(sql("SELECT user_id FROM enrollments")) == [(students[0],), (students[1],)]


def test_a_malformed_bulk_is_invalid(admin: Browser) -> None:
    for body in (
        {"ids": [], "action": "approve"},
        {"ids": ["1"], "action": "approve"},
        {"ids": [True], "action": "approve"},
        {"ids": list(range(501)), "action": "approve"},
        {"ids": [1], "action": "erase"},
        {"ids": 1, "action": "reject"},
        {"action": "reject"},
    ):
        answer = admin.send_json("POST", "/api/admin/requests/bulk", body)
        assert problem(answer) == (422, "invalid")
