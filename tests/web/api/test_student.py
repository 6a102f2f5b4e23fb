"""A student's JSON calls, as the contract tells them."""

import re
from typing import Any

import pytest

from lms import enrollment
from lms.queries import student as queries
from tests.builders import a_chapter, a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.api.problems import problem
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements

LISTS = [
    "/api/student/courses",
    "/api/student/enrolled-courses",
    "/api/student/progress-details",
    "/api/student/stats",
    "/api/student/requests",
    "/api/student/payments",
]
CHANGES = [
    ("POST", "/api/student/requests"),
    ("DELETE", "/api/student/requests/1"),
    ("POST", "/api/student/enroll"),
    ("POST", "/api/student/chapters/complete"),
]
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_calls_ask_for_a_sign_in_first(browser: Browser) -> None:
    for address in [*LISTS, "/api/sync/connection"]:
        assert problem(browser.get(address)) == (401, "not_authenticated")
    for method, address in CHANGES:
        assert problem(browser.send_json(method, address, {})) == (401, "not_authenticated")


def test_a_body_of_countless_keys_is_answered_without_naming_them(student: Browser) -> None:
    token = student.csrf_token()
    countless = {f"key{number}": 1 for number in range(60_000)}
    for body in (countless, {"courseId": 1, "message": countless}):
        answer = student.post("/api/student/requests", json=body, headers={"X-CSRFToken": token})
        assert problem(answer) == (422, "invalid")
        assert len(answer.data) < 2_000  # an error a key took two seconds


def test_calls_are_for_students(admin: Browser) -> None:
    for address in LISTS:
        assert problem(admin.get(address)) == (403, "forbidden")
    for method, address in CHANGES:
        assert problem(admin.send_json(method, address, {})) == (403, "forbidden")


def test_changes_need_the_token(student: Browser) -> None:
    for method, address in CHANGES:
        assert problem(student.open(address, method=method, json={})) == (403, "forbidden")


def test_lists_of_a_newcomer_are_empty(student: Browser) -> None:
    assert [student.get(address).get_json() for address in LISTS] == [
        {"courses": []},
        {"courses": []},
        {"courses": []},
        {
            "enrolledCourses": 0,
            "completedCourses": 0,
            "inProgressCourses": 0,
            "pendingRequests": 0,
            "completedChapters": 0,
            "averageProgress": 0,
        },
        {"requests": []},
        {"payments": []},
    ]


def test_courses_have_the_shape_of_the_contract(student: Browser, act: Act) -> None:
    course_id = act(a_course, "Algebra", chapters=2, description="Letters for numbers")
    assert student.get("/api/student/courses").get_json() == {
        "courses": [
            {
                "id": course_id,
                "title": "Algebra",
                "description": "Letters for numbers",
                "teacher": "",
                "duration": "",
                "status": "published",
                "isPublic": False,
                "isDefaultUnlocked": False,
                "priceCents": 0,
                "currency": "eur",
                "allowsPromotionCodes": False,
                "requiresApproval": False,
                "code": None,
                "chapterCount": 2,
                "isEnrolled": False,
                "hasPendingRequest": False,
                "hasApprovedRequest": False,
                "progress": 0,
            }
        ]
    }


def test_learning_shows_in_every_list_alike(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, "Botany", chapters=3)
    student.send_json("POST", "/api/student/enroll", {"courseId": course_id})
    chapters = act(queries.course, student.user_id, course_id).chapters
    body = {"chapterId": chapters[0].id}
    student.send_json("POST", "/api/student/chapters/complete", body)

    (card,) = student.get("/api/student/courses").get_json()["courses"]
    assert (card["isEnrolled"], card["progress"]) == (True, 33)
    (enrolled,) = student.get("/api/student/enrolled-courses").get_json()["courses"]
    assert UTC.fullmatch(enrolled.pop("enrolledAt"))
    assert UTC.fullmatch(enrolled.pop("lastActivityAt"))
    assert enrolled == {
        "id": course_id,
        "title": "Botany",
        "progress": 33,
        "completedAt": None,
        "nextChapterId": chapters[1].id,
    }
    (details,) = student.get("/api/student/progress-details").get_json()["courses"]
    listed = details.pop("chapters")
    assert details == {
        "courseId": course_id,
        "title": "Botany",
        "progress": 33,
        "totalChapters": 3,
        "completedChapters": 1,
        "completedAt": None,
    }
    assert UTC.fullmatch(listed[0]["completedAt"])
    assert listed[1] == {
        "id": chapters[1].id,
        "title": chapters[1].title,
        "position": 2,
        "isCompleted": False,
        "completedAt": None,
    }
    assert student.get("/api/student/stats").get_json() == {
        "enrolledCourses": 1,
        "completedCourses": 0,
        "inProgressCourses": 1,
        "pendingRequests": 0,
        "completedChapters": 1,
        "averageProgress": 33,
    }


def test_asking_for_access_answers_with_the_request(student: Browser, act: Act) -> None:
    course_id = act(a_course, "Algebra")
    body = {"courseId": course_id, "message": "Please"}
    answer = student.send_json("POST", "/api/student/requests", body)
    assert answer.status_code == 201
    request = answer.get_json()["request"]
    assert student.get("/api/student/requests").get_json() == {"requests": [request]}
    assert UTC.fullmatch(request.pop("requestedAt"))
    assert request.pop("id") > 0
    assert request == {
        "courseId": course_id,
        "courseTitle": "Algebra",
        "status": "pending",
        "message": "Please",
        "reason": None,
        "reviewedAt": None,
    }
    (card,) = student.get("/api/student/courses").get_json()["courses"]
    assert (card["hasPendingRequest"], card["isEnrolled"]) == (True, False)


def test_asking_twice_or_for_a_course_one_has_is_refused(student: Browser, act: Act) -> None:
    asked, mine = act(a_course), act(a_public_course)
    act(enrollment.enroll_directly, student.user_id, mine)
    send = ("POST", "/api/student/requests")
    assert student.send_json(*send, {"courseId": asked}).status_code == 201
    again = student.send_json(*send, {"courseId": asked})
    assert problem(again) == (409, "request_pending")
    assert problem(student.send_json(*send, {"courseId": mine})) == (409, "already_enrolled")
    assert len(student.get("/api/student/requests").get_json()["requests"]) == 1


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_hidden_and_unknown_courses_are_not_found(student: Browser, act: Act, status: str) -> None:
    hidden = act(a_public_course, status=status)
    for course_id in (hidden, hidden + 1, 2**31 - 1):
        for address in ("/api/student/requests", "/api/student/enroll"):
            answer = student.send_json("POST", address, {"courseId": course_id})
            assert problem(answer) == (404, "not_found")


BAD_INPUT: list[tuple[str, object, str]] = [
    ("/api/student/requests", None, "courseId"),
    ("/api/student/requests", [], "body"),
    ("/api/student/requests", {}, "courseId"),
    ("/api/student/requests", {"courseId": "1"}, "courseId"),
    ("/api/student/requests", {"courseId": True}, "courseId"),
    ("/api/student/requests", {"courseId": 1.5}, "courseId"),
    ("/api/student/requests", {"courseId": None}, "courseId"),
    ("/api/student/requests", {"courseId": 0}, "courseId"),
    ("/api/student/requests", {"courseId": -1}, "courseId"),
    ("/api/student/requests", {"courseId": 2**31}, "courseId"),
    ("/api/student/requests", {"courseId": 1, "message": 5}, "message"),
    ("/api/student/requests", {"courseId": 1, "message": "x" * 2001}, "message"),
    ("/api/student/requests", {"courseId": 1, "message": "a\0b"}, "message"),
    ("/api/student/requests", {"courseId": 1, "message": "\ud800"}, "message"),
    ("/api/student/requests", {"courseId": 1, "studentId": 9}, "studentId"),
    ("/api/student/enroll", {}, "courseId"),
    ("/api/student/enroll", {"courseId": "x"}, "courseId"),
    ("/api/student/enroll", {"course_id": 1}, "courseId"),
    ("/api/student/chapters/complete", {}, "chapterId"),
    ("/api/student/chapters/complete", {"chapterId": 2**31}, "chapterId"),
    ("/api/student/chapters/complete", {"chapterId": 1, "completed": "yes"}, "completed"),
    ("/api/student/chapters/complete", {"chapterId": 1, "completed": None}, "completed"),
]


def test_bad_input_is_named_by_field_and_changes_nothing(student: Browser, act: Act) -> None:
    act(a_public_course, chapters=1)
    for address, body, field in BAD_INPUT:
        answer = student.send_json("POST", address, body)
        assert problem(answer) == (422, "invalid"), body
        assert field in answer.get_json()["errors"]
    stats = student.get("/api/student/stats").get_json()
    assert (stats["pendingRequests"], stats["enrolledCourses"]) == (0, 0)


def test_cancelling_takes_back_the_own_pending_request_alone(student: Browser, act: Act) -> None:
    admin_id, course_id = act(an_admin), act(a_course)
    other = act(a_request, act(a_student), course_id)
    mine = act(a_request, student.user_id, course_id)
    decided = act(a_request, student.user_id, act(a_course, "Chess"))
    act(enrollment.reject, decided, by=admin_id, reason="Full")

    def cancel(request_id: int) -> Any:
        return student.send_json("DELETE", f"/api/student/requests/{request_id}")

    for foreign in (other, 999, 2**31 - 1, 2**40):
        assert problem(cancel(foreign)) == (404, "not_found")
    assert problem(cancel(decided)) == (409, "already_reviewed")
    done = cancel(mine)
    assert (done.status_code, done.data) == (204, b"")
    assert problem(cancel(mine)) == (404, "not_found")
    (left,) = student.get("/api/student/requests").get_json()["requests"]
    assert (left["id"], left["status"], left["reason"]) == (decided, "rejected", "Full")
    assert UTC.fullmatch(left["reviewedAt"])


def test_joining_answers_201_once_and_200_after(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    act(a_request, student.user_id, course_id)
    body = {"courseId": course_id}
    first = student.send_json("POST", "/api/student/enroll", body)
    again = student.send_json("POST", "/api/student/enroll", body)
    assert (first.status_code, again.status_code) == (201, 200)
    expected = {"enrollment": {"courseId": course_id, "progress": 0, "source": "direct"}}
    assert first.get_json() == again.get_json() == expected
    assert student.get("/api/student/requests").get_json() == {"requests": []}


def test_joining_is_refused_where_it_has_to_be_paid_asked_or_waited_for(
    student: Browser, act: Act
) -> None:
    priced = act(a_public_course, price_cents=100)
    closed, full = act(a_course), act(a_public_course, capacity=0)

    def join(course_id: int) -> tuple[int, str]:
        body = {"courseId": course_id}
        return problem(student.send_json("POST", "/api/student/enroll", body))

    assert join(priced) == (402, "payment_required")
    assert join(closed) == (403, "forbidden")
    assert join(full) == (409, "course_full")
    assert student.get("/api/student/enrolled-courses").get_json() == {"courses": []}


def test_completing_and_reopening_move_the_progress(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    one, two = act(a_chapter, course_id), act(a_chapter, course_id)
    act(enrollment.enroll_directly, student.user_id, course_id)

    def mark(chapter_id: int, **fields: Any) -> Any:
        body = {"chapterId": chapter_id, **fields}
        answer = student.send_json("POST", "/api/student/chapters/complete", body)
        assert answer.status_code == 200
        return answer.get_json()

    half = {
        "courseId": course_id,
        "chapterId": one,
        "progress": 50,
        "completedChapters": 1,
        "totalChapters": 2,
    }
    assert mark(one) == half
    assert mark(one, completed=True) == half
    assert mark(two)["progress"] == 100
    assert mark(two, completed=False) == {**half, "chapterId": two}
    assert mark(two, completed=False)["progress"] == 50


def test_only_the_enrolled_complete_chapters(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    chapter_id = act(a_chapter, course_id)

    def mark(chapter_id: int) -> tuple[int, str]:
        body = {"chapterId": chapter_id}
        return problem(student.send_json("POST", "/api/student/chapters/complete", body))

    assert mark(chapter_id) == (409, "not_enrolled")
    assert mark(chapter_id + 1) == (404, "not_found")


def test_payments_have_the_shape_of_the_contract(student: Browser, act: Act, sql: Sql) -> None:
    course_id = act(a_course, price_cents=900)
    sql(
        "INSERT INTO payments (user_id, course_id, course_title, amount_cents, refunded_cents,"
        " currency, status, created_at, paid_at) VALUES (:u, :c, 'Algebra', 900, 400, 'eur',"
        " 'partially_refunded', '2026-01-02 03:04:05+00:00', '2026-01-02 03:05:00+00:00')",
        u=student.user_id,
        c=course_id,
    )
    (payment,) = student.get("/api/student/payments").get_json()["payments"]
    assert payment.pop("id") > 0
    assert payment == {
        "courseId": course_id,
        "courseTitle": "Algebra",
        "amountCents": 900,
        "refundedCents": 400,
        "currency": "eur",
        "status": "partially_refunded",
        "createdAt": "2026-01-02T03:04:05Z",
        "paidAt": "2026-01-02T03:05:00Z",
    }


def test_an_unchanged_list_costs_two_statements_and_no_body(
    student: Browser, act: Act, statements: Statements
) -> None:
    for address in LISTS:
        course_id = act(a_course, chapters=1)
        tag = student.get(address).headers["ETag"]
        with statements() as sent:
            unchanged = student.get(address, headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.data) == (304, b""), address
        assert len(sent) <= 2
        act(enrollment.enroll, student.user_id, course_id, by=None)
        changed = student.get(address, headers={"If-None-Match": tag})
        assert changed.status_code == 200, address
        assert changed.headers["ETag"] != tag
        assert "private" in changed.headers["Cache-Control"]


def test_the_connection_tells_a_student_that_something_changed(student: Browser, act: Act) -> None:
    first = student.get("/api/sync/connection").get_json()
    assert UTC.fullmatch(first["serverTime"])
    assert (first["pollSeconds"], first["enrolledCourses"], first["pendingRequests"]) == (15, 0, 0)
    act(enrollment.enroll_directly, student.user_id, act(a_public_course))
    act(a_request, student.user_id, act(a_course))
    second = student.get("/api/sync/connection").get_json()
    assert second["version"] > first["version"]
    assert (second["enrolledCourses"], second["pendingRequests"]) == (1, 1)
    assert student.get("/api/sync/connection").get_json()["version"] == second["version"]


def test_the_connection_counts_all_waiting_requests_for_an_admin(admin: Browser, act: Act) -> None:
    pairs = [(act(a_student), act(a_course)) for _ in range(2)]
    first = admin.get("/api/sync/connection").get_json()
    for pair in pairs:
        act(a_request, *pair)
    second = admin.get("/api/sync/connection").get_json()
    assert (first["pendingRequests"], second["pendingRequests"]) == (0, 2)
    assert second["version"] > first["version"]
    assert second["enrolledCourses"] is None


def test_the_description_knows_every_call(browser: Browser) -> None:
    paths = browser.get("/api/openapi.json").get_json()["paths"]
    described = {
        f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
    }
    expected = {f"GET {address}" for address in LISTS} | {"GET /api/sync/connection"}
    expected |= {f"{method} {path.replace('/1', '/{request_id}')}" for method, path in CHANGES}
    assert expected <= described
