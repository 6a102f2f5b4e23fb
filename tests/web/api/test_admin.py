"""The admins' JSON calls, as the contract tells them."""

from datetime import datetime, timedelta

import pytest

from lms import enrollment
from lms.db import at, now
from lms.enrollment import CourseFields
from tests.builders import (
    a_chapter,
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
)
from tests.conftest import Sql
from tests.web.api.problems import problem
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements

LISTS = ["/api/requests", "/api/students", "/api/admin/analytics"]
CHANGES = [
    ("PATCH", "/api/admin/requests/1"),
    ("POST", "/api/admin/requests/bulk"),
    ("POST", "/api/enrollment"),
    ("DELETE", "/api/enrollment"),
]


def test_lists_are_for_admins_who_signed_in(browser: Browser, student: Browser) -> None:
    for address in [*LISTS, "/api/students/1"]:
        assert problem(browser.get(address)) == (401, "not_authenticated")
        assert problem(student.get(address)) == (403, "forbidden")


def test_changes_are_for_admins_who_signed_in(
    browser: Browser, student: Browser, admin: Browser
) -> None:
    for method, address in CHANGES:
        assert problem(browser.send_json(method, address, {})) == (401, "not_authenticated")
        assert problem(student.send_json(method, address, {})) == (403, "forbidden")
        assert problem(admin.open(address, method=method, json={})) == (403, "forbidden")


def test_the_queue_lists_the_longest_waiting_first(admin: Browser, act: Act, sql: Sql) -> None:
    course_id = act(a_course, "Algebra")
    ada = act(a_student, "Ada Lovelace", email="ada.l@example.org")
    bob = act(a_student, "Bob")
    late = act(a_request, ada, course_id, "Please")
    early = act(a_request, bob, course_id)
    sql("UPDATE access_requests SET created_at = '2026-01-02 03:04:05' WHERE id = :id", id=early)

    queue = admin.get("/api/requests").get_json()

    assert [request["id"] for request in queue["requests"]] == [early, late]
    assert (queue["total"], queue["page"], queue["pages"]) == (2, 1, 1)
    assert queue["requests"][0]["requestedAt"] == "2026-01-02T03:04:05Z"
    shown = queue["requests"][1]
    assert datetime.fromisoformat(shown.pop("requestedAt")).utcoffset() is not None
    assert shown == {
        "id": late,
        "studentId": ada,
        "studentName": "Ada Lovelace",
        "studentEmail": "ada.l@example.org",
        "courseId": course_id,
        "courseTitle": "Algebra",
        "message": "Please",
    }


def test_the_queue_goes_on_page_by_page(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    for number in range(60):
        sql("INSERT INTO users (email, name) VALUES (:email, 'Many')", email=f"m{number}@x.org")
    sql(
        "INSERT INTO access_requests (student_id, course_id, created_at)"
        " SELECT id, :course, '2026-01-02 03:04:05' FROM users WHERE name = 'Many' ORDER BY id",
        course=course,
    )
    first = admin.get("/api/requests").get_json()
    second = admin.get("/api/requests?page=2").get_json()
    ids = [row.id for row in sql("SELECT id FROM access_requests ORDER BY id")]
    assert [row["id"] for row in first["requests"]] == ids[:50]
    assert [row["id"] for row in second["requests"]] == ids[50:]
    assert (second["total"], second["page"], second["pages"]) == (60, 2, 2)
    listed = admin.get("/api/students?page=2").get_json()
    assert (len(listed["students"]), listed["total"], listed["pages"]) == (10, 60, 2)


def test_an_empty_queue_has_one_page(admin: Browser) -> None:
    answer = admin.get("/api/requests?page=&q=&courseId=")
    assert answer.get_json() == {"requests": [], "total": 0, "page": 1, "pages": 1}


def test_the_queue_is_searched_and_filtered(admin: Browser, act: Act) -> None:
    algebra, botany = act(a_course, "Algebra 100%"), act(a_course, "Botany_1")
    ada = act(a_student, "Ada Lovelace", email="countess@example.org")
    ozan = act(a_student, "Özgür Ozan")
    one = act(a_request, ada, algebra)
    two = act(a_request, ozan, botany)
    three = act(a_request, ozan, algebra)

    def found(query: str) -> list[int]:
        queue = admin.get(f"/api/requests?{query}").get_json()
        assert queue["total"] == len(queue["requests"])
        return [request["id"] for request in queue["requests"]]

    assert found("q=lovelace") == [one]
    assert found("q=COUNTESS") == [one]
    assert found("q=algebra") == [one, three]
    assert found("q=%C3%B6zg%C3%BCr+botany") == [two]
    act(enrollment.rename_user, ozan, "ozan ÖZGÜR", by=admin.user_id)
    for spelling in ("özgür", "ÖZGÜR", "Özgür"):
        assert found(f"q={spelling}+botany") == [two], spelling
    assert found(f"courseId={algebra}") == [one, three]
    assert found(f"courseId={algebra}&q=ozan") == [three]
    assert found("q=%25") == [one, three]
    assert found("q=_") == [two]
    assert found("q=%5C") == []
    assert found("courseId=2147483647") == []


def test_an_odd_question_to_the_queue_is_invalid(admin: Browser) -> None:
    for query in (
        "page=0",
        "page=-1",
        "page=x",
        "page=1000001",
        "page=1.0",
        "page=%2B1",
        "courseId=x",
        "courseId=0",
        "q=%00",
    ):
        assert problem(admin.get(f"/api/requests?{query}")) == (422, "invalid")


def test_a_page_beyond_the_last_is_empty(admin: Browser, act: Act) -> None:
    act(a_request, act(a_student), act(a_course))
    queue = admin.get("/api/requests?page=1000000").get_json()
    assert queue == {"requests": [], "total": 1, "page": 1000000, "pages": 1}
    assert admin.get("/api/students?page=1000000").get_json()["students"] == []


def test_enrolling_clears_the_request_and_repeats_without_harm(admin: Browser, act: Act) -> None:
    student, course = act(a_student), act(a_course, price_cents=900)
    act(a_request, student, course)
    body = {"studentId": student, "courseId": course}

    first = admin.send_json("POST", "/api/enrollment", body)
    second = admin.send_json("POST", "/api/enrollment", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json() == {"enrollment": {**body, "progress": 0, "source": "admin"}}
    assert admin.get("/api/requests").get_json()["total"] == 0


def test_unenrolling_ends_every_source_of_access(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course_open_to_all)
    student = act(a_student)
    act(enrollment.enroll, student, course, by=admin.user_id)
    body = {"studentId": student, "courseId": course}

    answer = admin.send_json("DELETE", "/api/enrollment", body)

    assert (answer.status_code, answer.get_json()) == (200, body)
    assert sql("SELECT * FROM enrollments WHERE user_id = :id", id=student) == []
    assert problem(admin.send_json("DELETE", "/api/enrollment", body)) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_enrollments_of_nobody_are_not_found(admin: Browser, act: Act, method: str) -> None:
    student, course = act(a_student), act(a_course)
    for body in (
        {"studentId": 999, "courseId": course},
        {"studentId": student, "courseId": 999},
        {"studentId": admin.user_id, "courseId": course},
    ):
        assert problem(admin.send_json(method, "/api/enrollment", body)) == (404, "not_found")


def test_a_malformed_enrollment_is_invalid(admin: Browser) -> None:
    bodies = [None, {}, {"studentId": "1", "courseId": 1}, {"studentId": 0, "courseId": 2**31}]
    for body in bodies:
        for method in ("POST", "DELETE"):
            assert problem(admin.send_json(method, "/api/enrollment", body)) == (422, "invalid")


def test_enrolling_beyond_the_last_seat_is_refused(admin: Browser, act: Act) -> None:
    body = {"studentId": act(a_student), "courseId": act(a_course, capacity=0)}
    assert problem(admin.send_json("POST", "/api/enrollment", body)) == (409, "course_full")


def test_the_list_of_students_counts_what_each_has(admin: Browser, act: Act) -> None:
    ada, bob = act(a_student, "Ada", email="a@example.org"), act(a_student, "Bob")
    courses = [act(a_public_course, f"Course {number}") for number in range(3)]
    for course in courses:
        act(enrollment.enroll_directly, ada, course)
    chapters = [act(a_chapter, courses[0]) for _ in range(3)]
    last = act(a_chapter, courses[1])
    for chapter in (chapters[0], chapters[1], last):
        act(enrollment.complete_chapter, ada, chapter)
    act(a_request, ada, act(a_course, "Asked for"))

    found = admin.get("/api/students").get_json()

    assert found["students"] == [
        {
            "id": ada,
            "name": "Ada",
            "email": "a@example.org",
            "enrolledCourses": 3,
            "completedCourses": 1,
            "pendingRequests": 1,
            "averageProgress": (66 + 100 + 0) // 3,
        },
        {
            "id": bob,
            "name": "Bob",
            "email": found["students"][1]["email"],
            "enrolledCourses": 0,
            "completedCourses": 0,
            "pendingRequests": 0,
            "averageProgress": 0,
        },
    ]
    assert (found["total"], found["page"], found["pages"]) == (2, 1, 1)


def test_students_are_searched_by_name_and_email(admin: Browser, act: Act) -> None:
    ada = act(a_student, "Ada", email="x_1@example.org")
    act(a_student, "Bob", email="x21@example.org")

    def found(q: str) -> list[int]:
        answer = admin.get("/api/students", query_string={"q": q}).get_json()
        return [student["id"] for student in answer["students"]]

    assert found("ADA") == found("x_1") == found("_") == [ada]
    assert found("%") == []


def test_a_student_is_told_with_everything(admin: Browser, act: Act, sql: Sql) -> None:
    student = act(a_student, "Ada", email="a@example.org")
    course, asked = act(a_course_open_to_all, "Welcome"), act(a_course, "Asked")
    act(enrollment.enroll, student, course, by=admin.user_id)
    request = act(a_request, student, asked, "Please")
    sql(
        "INSERT INTO payments (user_id, course_id, course_title, amount_cents, currency, status)"
        " VALUES (:user, :course, 'Asked', 900, 'eur', 'failed')",
        user=student,
        course=asked,
    )

    told = admin.get(f"/api/students/{student}").get_json()

    assert told["student"]["email"] == "a@example.org"
    assert told["student"]["enrolledCourses"] == 1
    enrolled = told["enrollments"][0]
    assert (enrolled["courseId"], enrolled["title"]) == (course, "Welcome")
    assert (enrolled["progress"], enrolled["sources"]) == (0, ["default", "admin"])
    assert enrolled["enrolledAt"].endswith("Z")
    assert [(row["id"], row["status"]) for row in told["requests"]] == [(request, "pending")]
    assert [(row["courseId"], row["amountCents"]) for row in told["payments"]] == [(asked, 900)]


def test_admins_and_strangers_are_no_students(admin: Browser) -> None:
    for number in (admin.user_id, 999, 2**31):
        assert problem(admin.get(f"/api/students/{number}")) == (404, "not_found")


def test_a_student_agrees_with_what_admins_see(
    admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, chapters=3)
    act(enrollment.enroll_directly, student.user_id, course)
    chapters = sql("SELECT id FROM chapters ORDER BY id")
    act(enrollment.complete_chapter, student.user_id, chapters[0].id)
    act(a_request, student.user_id, act(a_course, "Asked"))

    own = student.get("/api/student/stats").get_json()
    listed = admin.get("/api/students?q=sam").get_json()["students"][0]
    told = admin.get(f"/api/students/{student.user_id}").get_json()["student"]

    for figure in ("enrolledCourses", "completedCourses", "pendingRequests", "averageProgress"):
        assert own[figure] == listed[figure] == told[figure]
    assert own["averageProgress"] == 33


def test_analytics_tell_the_figures_of_the_school(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Algebra", chapters=1)
    students = [act(a_student) for _ in range(3)]
    requests = [act(a_request, student, course) for student in students]
    act(enrollment.approve, requests[0], by=admin.user_id)
    act(enrollment.reject, requests[1], by=admin.user_id)
    chapter = sql("SELECT id FROM chapters")[0].id
    act(enrollment.complete_chapter, students[0], chapter)
    sql(
        "INSERT INTO payments (course_id, amount_cents, refunded_cents, currency, status, paid_at)"
        " SELECT :course, 900, 100, 'eur', 'partially_refunded', enrolled_at FROM enrollments",
        course=course,
    )

    told = admin.get(f"/api/admin/analytics?courseId={course}").get_json()

    assert (told["enrollments"], told["completions"], told["requests"]) == (1, 1, 3)
    assert sum(point["requests"] for point in told["points"]) == 3
    assert told["funnel"] == {"requested": 3, "approved": 1, "started": 1, "completed": 1}
    assert told["decisions"]["waiting"] == 1
    assert told["decisions"]["medianSeconds"] == 0
    revenue = told["revenue"][0]
    assert (revenue["currency"], revenue["paidCents"], revenue["refundedCents"]) == (
        "eur",
        900,
        100,
    )
    assert sum(point["paidCents"] for point in revenue["points"]) == 900
    assert told["chapters"] == [
        {"id": chapter, "title": told["chapters"][0]["title"], "completed": 1, "share": 100}
    ]
    assert told["courses"][0]["enrolled"] == 1


def test_odd_questions_to_analytics_are_invalid(admin: Browser) -> None:
    for query in (
        *("from=x", "to=0001-01-01", "courseId=x", "from=9999-12-31"),
        *("from=0", "from=1600000000", "to=2026-11-28T00:00:00", "courseId=1_0", "courseId=%201"),
    ):
        assert problem(admin.get(f"/api/admin/analytics?{query}")) == (422, "invalid")


def test_analytics_of_an_unknown_course_are_not_found(admin: Browser) -> None:
    assert problem(admin.get("/api/admin/analytics?courseId=999")) == (404, "not_found")


@pytest.mark.parametrize("address", LISTS)
def test_an_unchanged_list_costs_two_statements(
    admin: Browser, act: Act, sql: Sql, statements: Statements, address: str
) -> None:
    student = act(a_student)
    sql("UPDATE sign_ins SET expires_at = '2099-01-01 00:00:00'")  # an unused one would have ended
    tag = admin.get(address).headers["ETag"]
    with statements() as sent:
        unchanged = admin.get(address, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert len(sent) <= 2
    with at(now() + timedelta(days=1)):  # its figures are those of other days
        assert admin.get(address, headers={"If-None-Match": tag}).status_code == 200
    act(a_request, student, act(a_course))
    assert admin.get(address, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("address", [*LISTS, "/api/students/{student}"])
def test_lists_send_as_many_statements_for_many_rows(
    admin: Browser, act: Act, sql: Sql, statements: Statements, address: str
) -> None:
    student = act(a_student)
    act(a_request, student, act(a_course))
    address = address.format(student=student)
    with statements() as few:
        assert admin.get(address).status_code == 200
    many_rows(sql, act, student)
    with statements() as many:
        assert admin.get(address).status_code == 200
    assert len(few) == len(many)


def many_rows(sql: Sql, act: Act, student: int) -> None:
    """Add 300 students with requests, and 30 courses that one student is in."""
    course = act(a_course, "Crowded")
    for number in range(300):
        sql(
            "INSERT INTO users (email, name) VALUES (:email, 'Many')",
            email=f"many{number}@example.org",
        )
    sql(
        "INSERT INTO access_requests (student_id, course_id)"
        " SELECT id, :course FROM users WHERE name = 'Many'",
        course=course,
    )
    for number in range(30):
        fields = CourseFields(title=f"Joined {number}", status="published")
        act(enrollment.enroll, student, act(enrollment.create_course, fields, by=None), by=None)
