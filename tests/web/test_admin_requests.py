"""The queue as admins use it."""

import re

from lms import enrollment
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of


def flashes(admin: Browser, address: str = "/admin/requests") -> str:
    page = admin.get(address).text
    return page[page.index('id="flashes"') : page.index('id="queue"')]


def test_each_row_names_student_and_course_with_its_two_buttons(admin: Browser, act: Act) -> None:
    request = act(a_request, act(a_student, "Ada Lovelace"), act(a_course, "Algebra"), "Why not")
    page = admin.get("/admin/requests").text
    row = page[page.index(f'id="request-{request}"') :].partition("</tr>")[0]
    for text in ("Ada Lovelace", "Algebra", "Why not"):
        assert text in row
    buttons = re.findall(r"<button[^>]*>", row)
    assert [re.search('name="(.*?)"', button)[1] for button in buttons] == ["approve", "reject"]  # type: ignore[index]  # each has a name
    for button in buttons:
        described = re.search('aria-describedby="(.*?)"', button)
        assert described is not None
        assert all(f'id="{part}"' in row for part in described[1].split())
    assert ">Approve</button>" in row
    assert ">Reject</button>" in row


def test_the_queue_counts_one_request_and_more(admin: Browser, act: Act) -> None:
    course = act(a_course)
    act(a_request, act(a_student), course)
    assert '<p class="pages-total">1 request</p>' in admin.get("/admin/requests").text
    act(a_request, act(a_student), course)
    assert '<p class="pages-total">2 requests</p>' in admin.get("/admin/requests").text


def test_the_buttons_of_a_row_decide_it_and_no_ticked_one(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    one, two = (act(a_request, act(a_student), course) for _ in range(2))

    answer = admin.send_form(
        "/admin/requests?q=a&page=2", approve=one, ids=[two], reason="  Welcome  "
    )

    assert (answer.status_code, answer.location) == (303, "/admin/requests?q=a&page=2")
    assert sql("SELECT request_id, status, reason FROM decisions") == [(one, "approved", "Welcome")]
    assert "Approved" in flashes(admin)


def test_an_approval_for_a_course_with_a_price_says_that_nothing_is_paid(
    admin: Browser, act: Act
) -> None:
    for price, said in ((4900, "The student is enrolled without payment."), (0, "enrolled.")):
        request = act(a_request, act(a_student), act(a_course, price_cents=price))
        admin.send_form("/admin/requests", approve=request)
        told = text_of(flashes(admin))
        assert "Approved. The student is" in told
        assert said in told


def test_a_seat_that_was_approved_ahead_and_came_meanwhile_says_that_nothing_is_paid(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, price_cents=4900, capacity=0)
    request = act(a_request, act(a_student), course)
    admin.send_form("/admin/requests", approve=request)
    assert "approved" in text_of(flashes(admin)).lower()
    sql("UPDATE courses SET capacity = 1")
    act(enrollment.fill_free_seats)
    admin.send_form("/admin/requests", approve=request)
    assert "Approved. The student is enrolled without payment." in text_of(flashes(admin))


def test_ticked_requests_are_decided_together(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    ids = [act(a_request, act(a_student), course) for _ in range(3)]

    admin.send_form("/admin/requests", ids=ids[:2], action="reject", reason="Full term")

    assert sql("SELECT DISTINCT status, reason FROM decisions") == [("rejected", "Full term")]
    assert "2 requests rejected" in flashes(admin)
    assert sql("SELECT id FROM access_requests") == [(ids[2],)]


def test_a_decision_taken_by_somebody_else_names_them(admin: Browser, act: Act, sql: Sql) -> None:
    request = act(a_request, act(a_student), act(a_course))
    act(enrollment.reject, request, by=act(an_admin, "Grace Hopper"))

    admin.send_form("/admin/requests", approve=request)

    assert "Grace Hopper has already rejected this request" in flashes(admin)
    assert sql("SELECT * FROM enrollments") == []


def test_a_bulk_tells_each_outcome(admin: Browser, act: Act) -> None:
    course, full = act(a_course), act(a_course, "Full", capacity=0)
    student = act(a_student)
    good, late = act(a_request, act(a_student), course), act(a_request, student, course)
    later = act(a_request, act(a_student), course)
    stuck = act(a_request, student, full)
    grace = act(an_admin, "Grace Hopper")
    act(enrollment.approve, late, by=grace)

    admin.send_form("/admin/requests", ids=[good, late, stuck, 999], action="approve")

    told = flashes(admin)
    assert "1 request approved" in told
    assert "1 request had already been decided by Grace Hopper, and was left unchanged." in told
    assert (
        "1 request approved, but no seats are left. The student gets the next available seat."
        in told
    )
    assert "1 request no longer exists; it may have been canceled." in told

    act(enrollment.approve, later, by=grace)
    third = act(a_request, act(a_student), course)
    act(enrollment.approve, third, by=act(an_admin, "Ada Lovelace"))
    admin.send_form("/admin/requests", ids=[late, later, third], action="approve")
    assert "decided by Ada Lovelace and Grace Hopper, and were left" in flashes(admin)

    more = [act(a_request, act(a_student), full) for _ in range(2)]
    admin.send_form("/admin/requests", ids=[late, later, 998, 999, *more], action="approve")

    told = flashes(admin)
    assert (
        "2 requests approved, but no seats are left."
        " The students get the next available seats, in order." in told
    )
    assert "2 requests had already been decided by Grace Hopper, and were left unchanged." in told
    assert "2 requests no longer exist; they may have been canceled." in told


def test_a_full_course_is_marked_in_the_queue(admin: Browser, act: Act) -> None:
    act(a_request, act(a_student), act(a_course, capacity=0))
    page = admin.get("/admin/requests").text
    assert "Full</span>" in page[page.index('id="queue"') :]


def test_the_queue_says_whether_approving_gives_a_priced_course_away(
    admin: Browser, act: Act
) -> None:
    for title, price, is_offered in (("Free", 0, False), ("Sold", 4900, False), ("Ask", 900, True)):
        course = act(a_course, title, price_cents=price, requires_approval=is_offered)
        act(a_request, act(a_student), course)
    said = text_of(admin.get("/admin/requests").text)
    assert "€49.00: approving enrolls without payment" in said
    assert "€9.00: approving offers a seat to buy" in said
    assert said.count(": approving") == 2


def test_what_cannot_be_decided_is_told(admin: Browser, act: Act, sql: Sql) -> None:
    request = act(a_request, act(a_student), act(a_course, capacity=0))
    for fields, words in (
        ({"approve": "999"}, "This request doesn&#39;t exist"),
        ({"approve": "x"}, "This request doesn&#39;t exist"),
        ({"approve": request}, "This course is full"),
        ({"action": "approve"}, "Select at least one request"),
        ({"action": "approve", "ids": ["x", "-1", "9" * 30]}, "Select at least one request"),
        ({"action": "erase", "ids": [request]}, "Select at least one request"),
    ):
        assert admin.send_form("/admin/requests", **fields).status_code == 303
        assert words in flashes(admin)
    assert sql("SELECT id FROM access_requests") == [(request,)]


def test_a_reason_for_which_nothing_was_decided_stays_in_its_field(
    admin: Browser, act: Act, sql: Sql
) -> None:
    request = act(a_request, act(a_student), act(a_course, capacity=0))
    for fields, words in (
        ({"action": "reject"}, "Select at least one request"),
        ({"approve": request}, "This course is full"),
        ({"action": "approve", "ids": ["999"]}, "1 request no longer exists"),
        ({"action": "reject", "ids": [request], "reason": "x" * 2001}, "at most 2,000"),
        ({"action": "reject", "ids": [request], "reason": "\x00"}, "can't be stored"),
    ):
        sent = {"reason": "Next term", **fields}
        answer = admin.send_form("/admin/requests?q=a", **sent)
        assert answer.status_code == 422
        assert words in text_of(answer.text)
        assert f'value="{sent["reason"]}"' in answer.text
        assert 'action="/admin/requests?q=a&amp;page=1"' in answer.text
    assert sql("SELECT id FROM access_requests") == [(request,)]
    headers = {"HX-Request": "true"}  # which leaves the field alone, and takes no refusal
    fields = {"csrf_token": admin.csrf_token(), "action": "reject", "reason": "Next term"}
    assert admin.post("/admin/requests", data=fields, headers=headers).status_code == 303


def test_decided_requests_are_searched(admin: Browser, act: Act) -> None:
    course = act(a_course, "Algebra")
    for name in ("Ada", "Bob"):
        request = act(a_request, act(a_student, name), course)
        act(enrollment.reject, request, by=admin.user_id, reason=f"Sorry {name}")
    page = admin.get("/admin/requests/decided").text
    assert "Sorry Ada" in page
    assert "Ada Admin" in page
    found = admin.get("/admin/requests/decided?q=bob").text
    assert "Sorry Bob" in found
    assert "Sorry Ada" not in found
    assert "No decision matches" in admin.get("/admin/requests/decided?q=%25").text


def test_the_queue_is_filtered_by_course(admin: Browser, act: Act) -> None:
    algebra, botany = act(a_course, "Algebra"), act(a_course, "Botany")
    ada, bob = act(a_student, "Ada Lovelace"), act(a_student, "Bob Ross")
    act(a_request, ada, algebra)
    act(a_request, bob, botany)
    page = admin.get(f"/admin/requests?course={algebra}").text
    assert "Ada Lovelace" in page
    assert "Bob Ross" not in page
    assert "No waiting request matches" in admin.get("/admin/requests?q=nobody").text
