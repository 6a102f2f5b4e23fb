"""Many calls at the same moment over HTTP: one row, one effect, the contract's answers."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from requests import Response

from tests.builders import a_chapter, a_course, a_public_course, a_request
from tests.outside.client import PASSWORD, Client, at_once, token_of
from tests.outside.conftest import Add
from tests.server import Portal

N = 50


def many(client: Client, method: str, address: str, body: object, times: int = N) -> list[Response]:
    """Make the same call from as many connections at once."""
    twins = [client.twin() for _ in range(times)]
    return at_once([partial(twin.call, method, address, body) for twin in twins])


def counted(answers: Sequence[Response]) -> dict[str, int]:
    """Count the answers by status, and by code where there is one."""
    return dict(Counter(told(answer) for answer in answers))


def told(answer: Response) -> str:
    if answer.headers.get("Content-Type") == "application/problem+json":
        return f"{answer.status_code} {answer.json()['code']}"
    return str(answer.status_code)


def number(portal: Portal, query: str, **values: object) -> int:
    return int(portal.sql(f"SELECT count(*) FROM {query}", **values)[0][0])


def audited(portal: Portal, action: str, student_id: int) -> int:
    trail = "audit_entries WHERE action = :action AND student_id = :student"
    return number(portal, trail, action=action, student=student_id)


def test_one_of_many_requests_waits(portal: Portal, student: Client) -> None:
    course = portal.call(a_course)
    answers = many(student, "POST", "/api/student/requests", {"courseId": course})
    assert counted(answers) == {"201": 1, "409 request_pending": N - 1}
    assert number(portal, "access_requests WHERE student_id = :id", id=student.user_id) == 1
    assert audited(portal, "request.made", student.user_id) == 1


def test_one_of_many_enrollments_is_new(portal: Portal, student: Client) -> None:
    course = portal.call(a_public_course)
    portal.call(a_request, student.user_id, course)
    answers = many(student, "POST", "/api/student/enroll", {"courseId": course})
    assert counted(answers) == {"201": 1, "200": N - 1}
    assert number(portal, "enrollments WHERE user_id = :id", id=student.user_id) == 1
    assert number(portal, "access_requests WHERE student_id = :id", id=student.user_id) == 0
    assert audited(portal, "access.granted", student.user_id) == 1


def test_a_chapter_completed_many_times_counts_once(portal: Portal, student: Client) -> None:
    course = portal.call(a_public_course, chapters=1)
    chapter = portal.call(a_chapter, course)
    student.call("POST", "/api/student/enroll", {"courseId": course})
    answers = many(student, "POST", "/api/student/chapters/complete", {"chapterId": chapter})
    assert counted(answers) == {"200": N}
    assert [answer.json() for answer in answers] == [
        {
            "courseId": course,
            "chapterId": chapter,
            "progress": 50,
            "completedChapters": 1,
            "totalChapters": 2,
        }
    ] * N
    assert number(portal, "chapter_completions WHERE student_id = :id", id=student.user_id) == 1


def test_two_admins_who_approve_at_once_enroll_once(
    portal: Portal, student: Client, add: Add
) -> None:
    course = portal.call(a_course)
    address = f"/api/admin/requests/{portal.call(a_request, student.user_id, course)}"
    admins = [add("admin", name=name) for name in ("Ada", "Grace")]
    twins = [admins[n % 2].twin() for n in range(N)]
    answers = at_once([_decision(twin, address, "approve") for twin in twins])
    assert counted(answers) == {"200": 1, "409 already_reviewed": N - 1}
    first = next(twin for twin, answer in zip(twins, answers, strict=True) if answer.ok)
    name = first.get("/api/session").json()["user"]["name"]
    late = [answer.json() for answer in answers if not answer.ok]
    assert {(each["decidedBy"], each["decision"]) for each in late} == {(name, "approved")}
    assert audited(portal, "request.approved", student.user_id) == 1
    assert audited(portal, "access.granted", student.user_id) == 1


def test_of_approve_reject_and_cancel_exactly_one_happens(
    portal: Portal, student: Client, admin: Client
) -> None:
    course = portal.call(a_course)
    request = portal.call(a_request, student.user_id, course)
    address = f"/api/admin/requests/{request}"
    cancelling = [student.twin() for _ in range(10)]
    answers = at_once(
        [_decision(admin.twin(), address, "approve") for _ in range(10)]
        + [_decision(admin.twin(), address, "reject") for _ in range(10)]
        + [partial(twin.call, "DELETE", f"/api/student/requests/{request}") for twin in cancelling]
    )
    told = counted(answers)
    happened = {status: told.pop(status) for status in ("200", "204") if status in told}
    assert sum(happened.values()) == 1, answers
    refused = "404 not_found" if "204" in happened else "409 already_reviewed"
    assert told == {refused: 29}
    assert number(portal, "access_requests WHERE student_id = :id", id=student.user_id) == 0
    decisions = number(portal, "decisions WHERE student_id = :id", id=student.user_id)
    assert decisions == (0 if "204" in happened else 1)


def test_a_bulk_approval_sent_by_two_admins_decides_each_once(portal: Portal, add: Add) -> None:
    course = portal.call(a_course)
    students = [add() for _ in range(8)]
    ids = [portal.call(a_request, student.user_id, course) for student in students]
    admins = [add("admin", name=name) for name in ("Ada", "Grace")]
    body = {"ids": ids, "action": "approve"}
    twins = [admins[n % 2].twin() for n in range(8)]
    answers = at_once(
        [partial(twin.call, "POST", "/api/admin/requests/bulk", body) for twin in twins]
    )
    assert counted(answers) == {"200": 8}
    outcomes = Counter(
        (result["id"], result["outcome"])
        for answer in answers
        for result in answer.json()["results"]
    )
    assert outcomes == {(n, "approved"): 1 for n in ids} | {(n, "already_reviewed"): 7 for n in ids}
    assert number(portal, "enrollments WHERE course_id = :id", id=course) == 8
    assert number(portal, "decisions WHERE course_id = :id", id=course) == 8


def test_one_of_many_enrollments_by_an_admin_is_new(
    portal: Portal, student: Client, admin: Client
) -> None:
    pair = {"studentId": student.user_id, "courseId": portal.call(a_course)}
    answers = many(admin, "POST", "/api/enrollment", pair)
    assert counted(answers) == {"201": 1, "200": N - 1}
    assert audited(portal, "access.granted", student.user_id) == 1


def test_access_ended_many_times_ends_once(portal: Portal, student: Client, admin: Client) -> None:
    pair = {"studentId": student.user_id, "courseId": portal.call(a_course)}
    admin.call("POST", "/api/enrollment", pair)
    answers = many(admin, "DELETE", "/api/enrollment", pair)
    assert counted(answers) == {"200": 1, "404 not_found": N - 1}
    assert number(portal, "enrollments WHERE user_id = :id", id=student.user_id) == 0
    assert audited(portal, "access.ended", student.user_id) == 1


def test_the_last_seats_go_to_as_many_as_there_are(portal: Portal, add: Add) -> None:
    course = portal.call(a_public_course, capacity=3)
    twins = [add().twin() for _ in range(20)]
    body = {"courseId": course}
    answers = at_once([partial(twin.call, "POST", "/api/student/enroll", body) for twin in twins])
    assert counted(answers) == {"201": 3, "409 course_full": 17}
    assert number(portal, "enrollments WHERE course_id = :id", id=course) == 3


def test_the_last_seat_goes_to_one_of_many_requests_approved_at_once(
    portal: Portal, admin: Client, add: Add
) -> None:
    course = portal.call(a_course, capacity=1)
    ids = [portal.call(a_request, add().user_id, course) for _ in range(12)]
    answers = at_once(
        [_decision(admin.twin(), f"/api/admin/requests/{each}", "approve") for each in ids]
    )
    assert counted(answers) == {"200": 1, "409 course_full": 11}
    assert number(portal, "access_requests WHERE course_id = :id", id=course) == 11


def test_an_e_mail_registered_many_times_opens_one_account(portal: Portal) -> None:
    email = f"race{portal.port}@example.org"
    callers = [Client(portal) for _ in range(20)]
    for caller in callers:
        caller.token = token_of(caller.get("/register"))
    typed = {"email": email, "name": "Sam", "password": PASSWORD}
    answers = at_once([partial(caller.form, "/register", **typed) for caller in callers])
    assert counted(answers) == {"303": 20}
    assert number(portal, "users WHERE email = :email", email=email) == 1


def test_asking_joining_and_being_enrolled_at_once_ends_in_one_enrollment(
    portal: Portal, student: Client, admin: Client
) -> None:
    course = portal.call(a_public_course)
    pair = {"studentId": student.user_id, "courseId": course}
    calls: list[tuple[Client, str, object]] = [
        (student, "/api/student/requests", {"courseId": course}),
        (student, "/api/student/enroll", {"courseId": course}),
        (admin, "/api/enrollment", pair),
    ]
    answers = at_once(
        [partial(who.twin().call, "POST", address, body) for who, address, body in calls * 12]
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert number(portal, "enrollments WHERE user_id = :id", id=student.user_id) == 1
    assert number(portal, "access_requests WHERE student_id = :id", id=student.user_id) == 0


def _decision(admin: Client, address: str, action: str) -> Callable[[], Response]:
    return partial(admin.call, "PATCH", address, {"action": action})
