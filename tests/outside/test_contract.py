"""The JSON interface over real HTTP, call by call: keys, statuses, codes, times, who may ask."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from requests import Response

from tests.builders import a_chapter, a_course, a_public_course, a_request
from tests.outside.client import Client
from tests.outside.conftest import Add
from tests.server import Portal

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

STUDENT_LISTS = (
    "/api/student/courses",
    "/api/student/enrolled-courses",
    "/api/student/progress-details",
    "/api/student/stats",
    "/api/student/requests",
    "/api/student/payments",
)
ADMIN_LISTS = ("/api/requests", "/api/students", "/api/admin/analytics")
CHANGES = (
    ("POST", "/api/student/requests", "student"),
    ("DELETE", "/api/student/requests/1", "student"),
    ("POST", "/api/student/enroll", "student"),
    ("POST", "/api/student/chapters/complete", "student"),
    ("PATCH", "/api/admin/requests/1", "admin"),
    ("POST", "/api/admin/requests/bulk", "admin"),
    ("POST", "/api/enrollment", "admin"),
    ("DELETE", "/api/enrollment", "admin"),
)

COURSE = """id title description status isPublic isDefaultUnlocked priceCents currency chapterCount
    isEnrolled hasPendingRequest hasApprovedRequest progress"""
ENROLLED_COURSE = "id title progress enrolledAt lastActivityAt completedAt nextChapterId"
PROGRESS = "courseId title progress totalChapters completedChapters completedAt chapters"
CHAPTER = "id title position isCompleted completedAt"
STATS = """enrolledCourses completedCourses inProgressCourses pendingRequests completedChapters
    averageProgress"""
REQUEST = "id courseId courseTitle status message reason requestedAt reviewedAt"
QUEUED = "id studentId studentName studentEmail courseId courseTitle message requestedAt"
STUDENT = "id name email enrolledCourses completedCourses pendingRequests averageProgress"


def has(found: dict[str, Any], keys: str) -> bool:
    """Return whether an answer has all the keys of the contract."""
    return set(keys.split()) <= found.keys()


def refusal(answer: Response) -> tuple[int, str]:
    """Return status and code of an error after checking its form."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert has(problem, "title status detail code")
    assert problem["status"] == answer.status_code
    assert (answer.status_code == 422) == ("errors" in problem)
    return answer.status_code, problem["code"]


def moments(value: Any, name: str = "") -> Iterator[str]:
    """Find every time in an answer."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from moments(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from moments(inner, name)
    elif name.endswith(("At", "Time")) and value is not None:
        yield value


@pytest.fixture
def course(portal: Portal) -> int:
    """A course that is requested, with three chapters."""
    found: int = portal.call(a_course, chapters=3)
    return found


def card(client: Client, course_id: int) -> dict[str, Any]:
    courses = client.get("/api/student/courses").json()["courses"]
    found: dict[str, Any] = next(each for each in courses if each["id"] == course_id)
    return found


def test_a_session_says_who_is_asking(portal: Portal, student: Client) -> None:
    signed_in = student.get("/api/session").json()
    assert signed_in["user"].items() >= {"id": student.user_id, "role": "student"}.items()
    assert Client(portal).get("/api/session").json().keys() == {"user", "csrfToken"}
    assert Client(portal).get("/api/session").json()["user"] is None


def test_a_request_goes_from_waiting_to_approved(
    student: Client, admin: Client, course: int
) -> None:
    assert has(card(student, course), COURSE)
    made = student.call(
        "POST", "/api/student/requests", {"courseId": course, "message": "Please ✓"}
    )
    assert made.status_code == 201
    request = made.json()["request"]
    assert has(request, REQUEST)
    assert (request["status"], request["message"]) == ("pending", "Please ✓")
    assert card(student, course)["hasPendingRequest"] is True
    again = student.call("POST", "/api/student/requests", {"courseId": course})
    assert refusal(again) == (409, "request_pending")

    queue = admin.get(f"/api/requests?courseId={course}").json()
    assert has(queue, "requests total page pages")
    [queued] = queue["requests"]
    assert has(queued, QUEUED)
    assert queued["id"] == request["id"]

    address = f"/api/admin/requests/{request['id']}"
    decided = admin.call("PATCH", address, {"action": "approve", "reason": "Welcome"})
    assert decided.status_code == 200
    assert decided.json() == {
        "status": "approved",
        "studentId": student.user_id,
        "courseId": course,
        "offer": None,
    }
    late = admin.call("PATCH", address, {"action": "reject"})
    assert refusal(late) == (409, "already_reviewed")
    assert (late.json()["decidedBy"], late.json()["decision"]) == ("Ada Admin", "approved")
    assert UTC_TIME.fullmatch(late.json()["decidedAt"])

    standing = card(student, course)
    assert (standing["isEnrolled"], standing["hasPendingRequest"]) == (True, False)
    assert standing["hasApprovedRequest"] is True
    [told] = student.get("/api/student/requests").json()["requests"]
    assert (told["status"], told["reason"]) == ("approved", "Welcome")
    assert told["reviewedAt"]
    again = student.call("POST", "/api/student/requests", {"courseId": course})
    assert refusal(again) == (409, "already_enrolled")


def test_a_request_is_cancelled_by_its_own_student_alone(
    portal: Portal, student: Client, course: int, add: Add
) -> None:
    address = f"/api/student/requests/{portal.call(a_request, student.user_id, course)}"
    assert refusal(add().call("DELETE", address)) == (404, "not_found")
    cancelled = student.call("DELETE", address)
    assert (cancelled.status_code, cancelled.content) == (204, b"")
    assert refusal(student.call("DELETE", address)) == (404, "not_found")


def test_courses_are_joined_directly_only_where_that_is_possible(
    portal: Portal, student: Client, course: int
) -> None:
    def join(course_id: int) -> Response:
        return student.call("POST", "/api/student/enroll", {"courseId": course_id})

    assert refusal(join(course)) == (403, "forbidden")
    assert refusal(join(portal.call(a_public_course, price_cents=500))) == (402, "payment_required")
    assert refusal(join(portal.call(a_public_course, capacity=0))) == (409, "course_full")
    assert refusal(join(portal.call(a_public_course, status="draft"))) == (404, "not_found")
    assert refusal(join(2**31 - 1)) == (404, "not_found")
    public = portal.call(a_public_course)
    portal.call(a_request, student.user_id, public)
    joined = join(public)
    assert joined.status_code == 201
    assert joined.json()["enrollment"] == {"courseId": public, "progress": 0, "source": "direct"}
    assert join(public).status_code == 200
    assert card(student, public)["hasPendingRequest"] is False


def test_progress_is_the_share_of_chapters_rounded_down(
    portal: Portal, student: Client, admin: Client, course: int
) -> None:
    admin.call("POST", "/api/enrollment", {"studentId": student.user_id, "courseId": course})
    [detail] = _of(student.get("/api/student/progress-details").json()["courses"], course)
    assert has(detail, PROGRESS)
    assert all(has(chapter, CHAPTER) for chapter in detail["chapters"])
    chapters = [chapter["id"] for chapter in detail["chapters"]]
    for done, chapter in enumerate(chapters, start=1):
        marked = _mark(student, chapter)
        assert marked.status_code == 200
        assert marked.json() == {
            "courseId": course,
            "chapterId": chapter,
            "progress": 100 * done // 3,
            "completedChapters": done,
            "totalChapters": 3,
        }
    [enrolled] = _of(student.get("/api/student/enrolled-courses").json()["courses"], course)
    assert has(enrolled, ENROLLED_COURSE)
    assert enrolled["completedAt"]
    assert enrolled["nextChapterId"] is None
    stats = student.get("/api/student/stats").json()
    assert has(stats, STATS)
    assert (stats["completedCourses"], stats["completedChapters"]) == (1, 3)
    assert _mark(student, chapters[0], completed=False).json()["progress"] == 66
    added = portal.call(a_chapter, course)
    assert _mark(student, added).json()["progress"] == 75


def test_what_was_learned_outlives_the_access(student: Client, admin: Client, course: int) -> None:
    pair = {"studentId": student.user_id, "courseId": course}
    first = admin.call("POST", "/api/enrollment", pair)
    assert (first.status_code, admin.call("POST", "/api/enrollment", pair).status_code) == (
        201,
        200,
    )
    [detail] = _of(student.get("/api/student/progress-details").json()["courses"], course)
    chapter = detail["chapters"][0]["id"]
    _mark(student, chapter)
    assert admin.call("DELETE", "/api/enrollment", pair).status_code == 200
    assert refusal(admin.call("DELETE", "/api/enrollment", pair)) == (404, "not_found")
    assert refusal(_mark(student, chapter)) == (409, "not_enrolled")
    admin.call("POST", "/api/enrollment", pair)
    seen = admin.get(f"/api/students/{student.user_id}").json()
    assert has(seen, "student enrollments requests payments")
    [enrollment] = _of(seen["enrollments"], course)
    assert has(enrollment, "courseId title progress sources enrolledAt")
    assert (enrollment["progress"], enrollment["sources"]) == (33, ["admin"])


def test_one_bad_row_of_a_bulk_decision_stops_no_other(
    portal: Portal, student: Client, admin: Client, add: Add
) -> None:
    full, course = portal.call(a_course, capacity=0), portal.call(a_course)
    late = portal.call(a_request, add().user_id, course)
    admin.call("PATCH", f"/api/admin/requests/{late}", {"action": "reject"})
    waiting = portal.call(a_request, student.user_id, course)
    hopeless = portal.call(a_request, student.user_id, full)
    ids = [hopeless, late, 0, 2**40, waiting, waiting]
    answer = admin.call("POST", "/api/admin/requests/bulk", {"ids": ids, "action": "approve"})
    assert answer.status_code == 200
    assert {result["id"]: result["outcome"] for result in answer.json()["results"]} == {
        hopeless: "course_full",
        late: "already_reviewed",
        0: "not_found",
        2**40: "not_found",
        waiting: "approved",
    }
    counts = answer.json()["counts"]
    assert (counts["approved"], counts["not_found"], counts["rejected"]) == (1, 2, 0)


def test_the_list_of_students_counts_nothing_twice(
    portal: Portal, student: Client, admin: Client, course: int
) -> None:
    student.call("POST", "/api/student/enroll", {"courseId": portal.call(a_public_course)})
    portal.call(a_request, student.user_id, course)
    email = student.get("/api/session").json()["user"]["email"]
    found = admin.get(f"/api/students?q={email.upper()}").json()
    assert has(found, "students total page pages")
    [row] = found["students"]
    assert has(row, STUDENT)
    assert (row["enrolledCourses"], row["pendingRequests"], row["averageProgress"]) == (1, 1, 0)


def test_clients_that_poll_learn_of_changes(portal: Portal, student: Client, admin: Client) -> None:
    before = [who.get("/api/sync/connection").json() for who in (student, admin)]
    assert all(has(each, "version pollSeconds serverTime") for each in before)
    portal.call(a_request, student.user_id, portal.call(a_course))
    after = [who.get("/api/sync/connection").json() for who in (student, admin)]
    assert all(new["version"] > old["version"] for old, new in zip(before, after, strict=True))


def test_lists_are_sent_once_and_are_304_until_they_change(
    portal: Portal, student: Client, admin: Client, course: int
) -> None:
    own = f"/api/students/{student.user_id}"
    asked = [(student, each) for each in STUDENT_LISTS]
    asked += [(admin, each) for each in (*ADMIN_LISTS, own)]
    tags = {}
    for who, address in asked:
        first = who.get(address)
        assert first.status_code == 200, address
        assert "private" in first.headers["Cache-Control"], address
        assert all(UTC_TIME.fullmatch(moment) for moment in moments(first.json())), first.text
        tags[address] = first.headers["ETag"]
        second = who.get(address, **{"If-None-Match": tags[address]})
        assert (second.status_code, second.content) == (304, b""), address
    portal.call(a_request, student.user_id, course)
    for who, address in asked:
        changed = who.get(address, **{"If-None-Match": tags[address]})
        assert changed.status_code == 200, address


def test_calls_are_refused_to_the_wrong_role_and_to_nobody(
    portal: Portal, student: Client, admin: Client
) -> None:
    nobody = Client(portal)
    nobody.refresh_token()
    calls = [("GET", address, "student") for address in STUDENT_LISTS]
    calls += [("GET", address, "admin") for address in (*ADMIN_LISTS, "/api/students/1")]
    for method, address, role in (*calls, *CHANGES):
        other = admin if role == "student" else student
        assert refusal(nobody.call(method, address, {})) == (401, "not_authenticated"), address
        assert refusal(other.call(method, address, {})) == (403, "forbidden"), address


def test_changes_without_the_token_are_refused(student: Client, admin: Client) -> None:
    for method, address, role in CHANGES:
        who = student if role == "student" else admin
        for headers in ({}, {"X-CSRFToken": "made-up"}):
            answer = who.send(method, address, json={}, headers=headers)
            assert refusal(answer) == (403, "forbidden"), address


def test_what_is_unknown_is_not_found(student: Client, admin: Client) -> None:
    for ident in (0, 2**31 - 1, 2**31, 10**30, "x", "-1", "1.5"):
        for answer in (
            admin.get(f"/api/students/{ident}"),
            admin.call("PATCH", f"/api/admin/requests/{ident}", {"action": "approve"}),
            student.call("DELETE", f"/api/student/requests/{ident}"),
            student.get(f"/api/nothing/{ident}"),
        ):
            assert refusal(answer) == (404, "not_found"), ident
    assert refusal(student.get("/api")) == (404, "not_found")
    assert refusal(_mark(student, 2**31 - 1)) == (404, "not_found")
    pair = {"studentId": student.user_id, "courseId": 2**31 - 1}
    for method in ("POST", "DELETE"):
        assert refusal(admin.call(method, "/api/enrollment", pair)) == (404, "not_found")


def _mark(client: Client, chapter_id: int, *, completed: bool = True) -> Response:
    body = {"chapterId": chapter_id} | ({} if completed else {"completed": False})
    return client.call("POST", "/api/student/chapters/complete", body)


def _of(courses: list[dict[str, Any]], course_id: int) -> list[dict[str, Any]]:
    return [each for each in courses if each.get("courseId", each.get("id")) == course_id]
