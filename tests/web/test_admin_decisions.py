"""Taking decisions back, by the button that comes with them and by JSON."""

import re
from datetime import timedelta

from lms import enrollment
from lms.db import at, now
from lms.models import UNDO_WITHIN
from lms.web.admin.decisions import _LONGEST_OFFER, _spans
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.api.problems import problem
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of

WAITING = "SELECT id FROM access_requests"


def offered(admin: Browser) -> str:
    """Return the decisions that the 'Undo' beside the flash names."""
    page = admin.get("/admin/requests").text
    flashes = page[page.index('id="flashes"') : page.index('id="queue"')]
    found = re.search(r'name="undo" value="([\d,-]+)"', flashes)
    return found[1] if found else ""


def flashes(admin: Browser) -> str:
    page = admin.get("/admin/requests").text
    return text_of(page[page.index('id="flashes"') : page.index('id="queue"')])


def test_a_decision_comes_with_its_undo(admin: Browser, act: Act, sql: Sql) -> None:
    request = act(a_request, act(a_student), act(a_course))
    admin.send_form("/admin/requests", approve=request)

    undo = offered(admin)
    answer = admin.send_form("/admin/requests/undo", undo=undo, back="/admin/requests?page=2")

    assert (answer.status_code, answer.location) == (303, "/admin/requests?page=2")
    assert "The request is back in its old place in the queue" in flashes(admin)
    assert sql("SELECT id FROM enrollments") == []
    assert len(sql(WAITING)) == 1
    assert offered(admin) == ""


def test_a_bulk_is_undone_by_one_button(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    ids = [act(a_request, act(a_student), course) for _ in range(4)]
    act(enrollment.reject, ids.pop(1), by=act(an_admin))
    admin.send_form("/admin/requests", ids=ids, action="approve")

    undo = offered(admin)
    assert undo == "2-4"
    admin.send_form("/admin/requests/undo", undo=undo)
    assert "3 decisions undone" in flashes(admin)
    assert len(sql(WAITING)) == 3

    admin.send_form("/admin/requests/undo", undo=undo)
    assert "3 decisions had already been undone" in flashes(admin)
    for nonsense in ("", "x", "9-x", "0", "99999999999", "5-2", "700-99999999"):
        assert admin.send_form("/admin/requests/undo", undo=nonsense).status_code == 303
        told = flashes(admin)
        assert "This decision doesn't exist" in told or "couldn't be undone: the student" in told


def test_what_a_cookie_cannot_carry_is_not_offered() -> None:
    assert list(_spans([1, 2, 3, 5, 8, 9])) == ["1-3", "5", "8-9"]
    assert len(",".join(_spans(list(range(10**6, 10**6 + 999, 2))))) > _LONGEST_OFFER


def test_the_decided_ones_show_undo_while_they_are_young(admin: Browser, act: Act) -> None:
    student, course = act(a_student), act(a_course, "Algebra")
    with at(now() - UNDO_WITHIN - timedelta(seconds=1)):
        old = act(a_request, student, course)
        act(enrollment.reject, old, by=admin.user_id)
    young = act(enrollment.reject, act(a_request, student, course), by=admin.user_id).decision_id

    page = admin.get("/admin/requests/decided").text
    rows = {
        int(row[0]): row[1]
        for row in re.findall(r'<tr id="decision-(\d+)">(.*?)</tr>', page, re.DOTALL)
    }
    assert {number for number, row in rows.items() if ">Undo</button>" in row} == {young}

    answer = admin.send_form("/admin/requests/undo", undo=young, back="/admin/requests/decided")
    assert answer.location == "/admin/requests/decided"
    page = admin.get("/admin/requests/decided").text
    assert re.search("Undone .* by Ada Admin", text_of(page))
    assert ">Undo</button>" not in page
    trail = text_of(admin.get(f"/admin/students/{student}").text)
    assert "Decision undone: Algebra" in trail
    assert "The request had been rejected. It is queued again" in trail


def test_json_takes_a_decision_back_once(admin: Browser, student: Browser, act: Act) -> None:
    course = act(a_course)
    request = act(a_request, student.user_id, course)
    made = act(enrollment.approve, request, by=admin.user_id)
    address = f"/api/admin/decisions/{made.decision_id}/undo"
    assert problem(student.send_json("POST", address)) == (403, "forbidden")

    answer = admin.send_json("POST", address)

    [waiting] = admin.get("/api/requests").get_json()["requests"]
    assert (answer.status_code, answer.get_json()) == (
        200,
        {
            "decisionId": made.decision_id,
            "studentId": student.user_id,
            "courseId": course,
            "requestId": waiting["id"],
        },
    )
    [shown] = student.get("/api/student/requests").get_json()["requests"]
    assert (shown["id"], shown["status"]) == (waiting["id"], "pending")
    [decided] = admin.get("/api/admin/decisions").get_json()["requests"]
    assert (decided["id"], decided["undoneByName"]) == (made.decision_id, "Ada Admin")
    assert problem(admin.send_json("POST", address)) == (409, "already_undone")
    gone = admin.send_json("POST", "/api/admin/decisions/999/undo")
    assert problem(gone) == (404, "not_found")


def test_json_says_that_it_is_too_late(admin: Browser, act: Act) -> None:
    with at(now() - UNDO_WITHIN - timedelta(seconds=1)):
        request = act(a_request, act(a_student), act(a_course))
        made = act(enrollment.reject, request, by=admin.user_id)
    answer = admin.send_json("POST", f"/api/admin/decisions/{made.decision_id}/undo")
    assert problem(answer) == (409, "too_late")
