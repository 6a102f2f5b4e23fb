"""The student's pages, as a browser without JavaScript sees them."""

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert

from lms import enrollment
from lms.db import db, writer
from lms.models import AccessSource, Chapter, Course, Enrollment, StudentProgress
from lms.queries import student as queries
from tests.builders import a_chapter, a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import actions_of, card, chapters_of, text_of

PAGES = [
    "/student/dashboard",
    "/student/courses",
    "/student/progress",
    "/student/requests",
    "/student/payments",
    "/student/notices",
]
JSON_LISTS = [
    "/api/student/courses",
    "/api/student/enrolled-courses",
    "/api/student/progress-details",
    "/api/student/stats",
    "/api/student/requests",
    "/api/student/payments",
    "/api/student/notices",
    "/api/student/certificates",
]
FORMS = [
    "/student/courses/1/request",
    "/student/courses/1/enroll",
    "/student/courses/1/buy",
    "/student/courses/1/chapters/1/complete",
    "/student/courses/1/chapters/1/reopen",
    "/student/requests/1/cancel",
    "/student/notices/read",
]


def test_pages_are_for_students_who_are_signed_in(browser: Browser, admin: Browser) -> None:
    for page in [*PAGES, "/student/courses/1"]:
        answer = browser.get(page)
        assert (answer.status_code, answer.location[:12]) == (303, "/login?next="), page
        assert admin.get(page).status_code == 403, page


def test_forms_are_for_students_who_are_signed_in(
    browser: Browser, admin: Browser, act: Act
) -> None:
    act(a_public_course, chapters=1)
    for form in FORMS:
        assert browser.send_form(form).status_code == 303, form
        assert admin.send_form(form).status_code == 403, form


def test_forms_without_the_token_change_nothing(student: Browser, act: Act) -> None:
    act(a_public_course, chapters=1)
    for form in FORMS:
        assert student.post(form).status_code == 400, form
    assert act(queries.stats, student.user_id).enrolled_courses == 0
    assert act(queries.requests, student.user_id) == []


def test_empty_pages_say_what_to_do(student: Browser) -> None:
    for page, way_out in {
        "/student/dashboard": "Find a course",
        "/student/courses": "No courses yet",
        "/student/courses?q=zebra": "No course matches",
        "/student/progress": "Nothing to show yet",
        "/student/requests": "No requests yet",
        "/student/payments": "No payments",
    }.items():
        answer = student.get(page)
        assert answer.status_code == 200, page
        assert way_out in answer.text
        assert answer.text.count("<h1") == 1


def test_each_course_has_one_main_action_by_its_exact_name(student: Browser, act: Act) -> None:
    asked, mine = act(a_course, "Asked"), act(a_public_course, "Mine")
    act(a_request, student.user_id, asked)
    act(enrollment.enroll_directly, student.user_id, mine)
    expected = {
        asked: "Cancel request",
        mine: "Continue",
        act(a_course, "Closed"): "Request access",
        act(a_public_course, "Free"): "Enroll",
        act(a_course, "Priced", price_cents=4900): "Buy",
        act(a_public_course, "Full", capacity=0): "Request access",
    }
    html = student.get("/student/courses").text
    for course_id, action in expected.items():
        assert actions_of(card(html, course_id)) == [action]
        assert "aria-label=" not in card(html, course_id).replace('aria-label="Progress', "")
    assert "€49.00" in card(html, next(id for id, name in expected.items() if name == "Buy"))


def test_a_title_is_the_heading_and_cannot_break_the_page(student: Browser, act: Act) -> None:
    course_id = act(a_course, "<b>5 < 6</b>", description="</p><script>alert(1)</script>")
    html = card(student.get("/student/courses").text, course_id)
    assert "<script" not in html
    heading = re.search(r"<h2.*?</h2>", html, re.DOTALL)
    assert heading
    assert text_of(heading[0]) == "<b>5 < 6</b>"


def test_the_catalogue_is_searched_and_filtered_by_plain_links(student: Browser, act: Act) -> None:
    bread, bikes = act(a_public_course, "Bread"), act(a_course, "Bikes")
    act(enrollment.enroll_directly, student.user_id, bread)
    found = student.get("/student/courses?q=bIk").text
    assert f'id="course-{bikes}"' in found
    assert f'id="course-{bread}"' not in found
    assert 'value="bIk"' in found
    mine = student.get("/student/courses?show=mine").text
    assert f'id="course-{bread}"' in mine
    assert f'id="course-{bikes}"' not in mine
    assert re.search(r'<option value="mine" selected>', mine)


def test_odd_addresses_still_show_the_catalogue(student: Browser, act: Act) -> None:
    act(a_course)
    pages = ["0", "-1", "x", "99999999999999", "", "%D9%A3", "1&page=2", "²", "1.0"]
    searches = ["%00", "%ff", "x" * 5000, "%27%22%3Cscript%3E", "%5C", "&show=zzz"]
    for query in [f"page={page}" for page in pages] + [f"q={text}" for text in searches]:
        answer = student.get(f"/student/courses?{query}")
        assert answer.status_code == 200, query
        assert "<script>" not in answer.text


def test_the_catalogue_comes_in_pages_that_keep_the_search(student: Browser, act: Act) -> None:
    for number in range(51):
        act(a_course, f"Course {number:02}")
    first = student.get("/student/courses?q=course").text
    assert first.count("<article") == 50
    assert 'href="/student/courses?q=course&amp;page=2"' in first
    second = student.get("/student/courses?q=course&page=2").text
    assert second.count("<article") == 1
    assert student.get("/student/courses?page=9").text.count("<article") == 1


def test_one_click_asks_for_access_and_one_cancels(student: Browser, act: Act) -> None:
    course_id = act(a_course, "Algebra")
    back = "/student/courses?q=alg"
    asked = student.send_form(f"/student/courses/{course_id}/request", back=back)
    assert (asked.status_code, asked.location) == (303, back)
    page = student.get("/student/courses").text
    assert "You requested access to Algebra." in page
    assert actions_of(card(page, course_id)) == ["Cancel request"]
    (request,) = act(queries.requests, student.user_id)
    assert (request.status, request.message) == ("pending", "")
    cancelled = student.send_form(f"/student/requests/{request.id}/cancel")
    assert (cancelled.status_code, cancelled.location) == (303, "/student/requests")
    assert act(queries.requests, student.user_id) == []


def test_the_form_of_a_course_carries_its_message_without_javascript(
    student: Browser, act: Act
) -> None:
    course_id = act(a_course)
    html = student.get(f"/student/courses/{course_id}").text
    assert re.search(rf'<form id="action-{course_id}"[^>]*method="post"', html)
    assert re.search(rf'<textarea[^>]*name="message" form="action-{course_id}"', html)
    message = "  Two\r\nlines with <b>  "
    student.send_form(f"/student/courses/{course_id}/request", message=message)
    assert act(queries.requests, student.user_id)[0].message == "Two\nlines with <b>"
    assert "lines with &lt;b&gt;" in student.get("/student/requests").text


@pytest.mark.parametrize("message", ["x" * 2001, "a\0b"])
def test_a_bad_message_comes_back_as_typed_with_the_reason(
    student: Browser, act: Act, message: str
) -> None:
    course_id = act(a_course)
    answer = student.send_form(f"/student/courses/{course_id}/request", message=message)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert message.replace("\0", "\0") in unescape(answer.text)
    assert act(queries.requests, student.user_id) == []


@pytest.mark.parametrize("fields", [{"price_cents": 100}, {"is_public": True}])
def test_a_bad_message_comes_back_on_every_kind_of_course(
    student: Browser, act: Act, fields: dict[str, Any]
) -> None:
    course_id = act(a_course, **fields)
    answer = student.send_form(f"/student/courses/{course_id}/request", message="x" * 2001)
    assert answer.status_code == 422
    assert "Use at most 2,000 characters." in answer.text


def test_a_waiting_request_says_where_its_decision_will_be(student: Browser, act: Act) -> None:
    """The card in the catalog forgets a request that was rejected."""
    course_id = act(a_course)
    request_id = act(a_request, student.user_id, course_id)
    for page in ("/student/courses", f"/student/courses/{course_id}"):
        said = text_of(student.get(page).text)
        assert "Your request is waiting for a decision. See its status under Requests." in said
    act(enrollment.reject, request_id, by=act(an_admin), reason="Full")
    assert "Full" in text_of(student.get("/student/requests").text)


def test_a_second_request_is_told_instead_of_an_error(student: Browser, act: Act) -> None:
    course_id = act(a_course)
    for _ in range(2):
        answer = student.send_form(f"/student/courses/{course_id}/request")
        assert (answer.status_code, answer.location) == (303, f"/student/courses/{course_id}")
    assert "Your request for this course is already waiting" in student.get("/student/courses").text
    assert len(act(queries.requests, student.user_id)) == 1


def test_cancelling_what_was_decided_or_is_not_ones_own_changes_nothing(
    student: Browser, act: Act
) -> None:
    admin_id, course_id = act(an_admin, "Grace"), act(a_course)
    other = act(a_request, act(a_student), course_id)
    decided = act(a_request, student.user_id, course_id)
    act(enrollment.approve, decided, by=admin_id)
    for request_id, told in [
        (decided, "Your request has already been approved."),
        (other, "This request is no longer waiting"),
    ]:
        answer = student.send_form(f"/student/requests/{request_id}/cancel")
        assert (answer.status_code, answer.location) == (303, "/student/requests")
        page = student.get("/student/requests").text
        assert told in page
        assert "Grace" not in page  # who decides is the school's affair
    assert act(queries.course, student.user_id, course_id).card.is_enrolled


def test_enrolling_turns_the_action_into_continue(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, "Botany", chapters=1)
    act(a_request, student.user_id, course_id)
    student.send_form(f"/student/courses/{course_id}/enroll", back="/student/courses")
    page = student.get("/student/courses").text
    assert "You&#39;re enrolled in Botany." in page
    assert actions_of(card(page, course_id)) == ["Continue"]
    assert act(queries.stats, student.user_id).pending_requests == 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "This course isn&#39;t open for enrollment"),
        ({"price_cents": 50}, "isn&#39;t free"),
        ({"is_public": True, "capacity": 0}, "This course is full"),
    ],
)
def test_a_course_that_cannot_be_joined_says_why(
    student: Browser, act: Act, fields: dict[str, Any], told: str
) -> None:
    course_id = act(a_course, **fields)
    answer = student.send_form(f"/student/courses/{course_id}/enroll")
    assert (answer.status_code, answer.location) == (303, f"/student/courses/{course_id}")
    assert told in student.get(answer.location).text
    assert act(queries.stats, student.user_id).enrolled_courses == 0


def test_a_priced_course_without_payments_offers_to_ask(student: Browser, act: Act) -> None:
    course_id = act(a_course, price_cents=4900)
    shown = card(student.get("/student/courses").text, course_id)
    assert "Buy Payments are not configured. Request access instead" in text_of(shown)
    answer = student.send_form(f"/student/courses/{course_id}/buy")
    assert (answer.status_code, answer.location) == (303, f"/student/courses/{course_id}")
    page = student.get(answer.location).text
    assert "Payments are not configured. Request access instead." in page
    assert actions_of(page) == ["Buy", "Request access"]
    for each in (shown, page):
        assert re.search(r'class="btn btn-secondary[^>]*>Buy</button>', each)


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_forms_lead_back_inside_the_portal_only(student: Browser, act: Act, back: str) -> None:
    course_id = act(a_public_course)
    answer = student.send_form(f"/student/courses/{course_id}/enroll", back=back)
    assert answer.location == f"/student/courses/{course_id}"


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_hidden_courses_are_not_found_by_others_and_stay_readable_for_the_enrolled(
    student: Browser, act: Act, status: str
) -> None:
    hidden, mine = act(a_course, status=status), act(a_course, status=status, chapters=1)
    act(enrollment.enroll, student.user_id, mine, by=None)
    for course_id in (hidden, mine + 1, 2**31):
        assert student.get(f"/student/courses/{course_id}").status_code == 404
    for verb in ("request", "enroll", "buy"):
        assert student.send_form(f"/student/courses/{hidden}/{verb}").status_code == 404
    page = student.get(f"/student/courses/{mine}")
    assert page.status_code == 200
    assert "closed to new students" in page.text
    assert "Mark complete" in page.text


def test_the_landing_page_shows_titles_but_no_text(student: Browser, act: Act) -> None:
    course_id = act(a_course, "Algebra", description="Learn **letters**.")
    chapter_id = act(a_chapter, course_id, "Secrets", "The hidden text")
    page = student.get(f"/student/courses/{course_id}?chapter={chapter_id}").text
    assert "Secrets" in page
    assert "The hidden text" not in page
    assert "Mark complete" not in page
    assert "<strong>letters</strong>" in page
    assert actions_of(page) == ["Request access"]


def test_a_rejection_is_told_with_its_reason_until_asked_again(
    student: Browser, act: Act, sql: Sql
) -> None:
    admin_id, course_id = act(an_admin), act(a_course)
    act(enrollment.reject, act(a_request, student.user_id, course_id), by=admin_id, reason="Later")
    address = f"/student/courses/{course_id}"
    assert "Your last request was rejected" in student.get(address).text
    assert "Later" in student.get(address).text
    assert "Later" in student.get("/student/dashboard").text
    assert "You can request access again." in student.get(address).text
    sql("UPDATE courses SET is_public = true")
    page = student.get(address).text
    assert "You can now enroll without approval." in page
    assert "request access again" not in page
    sql("UPDATE courses SET is_public = false")
    act(a_request, student.user_id, course_id)
    assert "Your last request was rejected" not in student.get(address).text


def test_an_old_rejection_is_not_told_after_an_approval(student: Browser, act: Act) -> None:
    admin_id, course_id = act(an_admin), act(a_course)
    act(enrollment.reject, act(a_request, student.user_id, course_id), by=admin_id, reason="Later")
    act(enrollment.approve, act(a_request, student.user_id, course_id), by=admin_id)
    act(enrollment.unenroll, student.user_id, course_id, by=admin_id)
    assert "rejected" not in student.get(f"/student/courses/{course_id}").text


def test_the_dashboard_says_what_comes_next(student: Browser, act: Act) -> None:
    begun, done = act(a_public_course, "Begun"), act(a_public_course, "Done", chapters=1)
    act(a_chapter, begun, "Opening")
    for course_id in (done, begun):
        act(enrollment.enroll_directly, student.user_id, course_id)
    (last,) = chapters_of(act, done, student.user_id)
    act(enrollment.complete_chapter, student.user_id, last)
    asked = act(a_course, "Asked")
    act(a_request, student.user_id, asked)
    page = student.get("/student/dashboard").text
    assert "Up next: Opening in Begun." in page
    assert "Continue" in card(page, begun)
    assert "Read again" in card(page, done)
    assert "Waiting for a decision" in page
    assert "Average progress 50%" in text_of(page)
    empty = act(a_public_course, "Empty")
    act(enrollment.enroll_directly, student.user_id, empty)
    page = student.get("/student/dashboard").text
    assert page.index(f'id="course-{empty}"') < page.index(f'id="course-{begun}"')
    assert "Up next: Opening in Begun." in page


def test_the_progress_page_tells_each_chapter(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, "Botany", chapters=3)
    act(enrollment.enroll_directly, student.user_id, course_id)
    one, *_ = chapters_of(act, course_id, student.user_id)
    act(enrollment.complete_chapter, student.user_id, one)
    page = student.get("/student/progress").text
    assert "1 of 3 chapters completed" in text_of(page)
    assert page.count('class="chapter-done"') == 1
    assert '<progress value="33"' in page


def test_requests_and_payments_are_listed_with_what_became_of_them(
    student: Browser, act: Act, sql: Sql
) -> None:
    admin_id, course_id = act(an_admin), act(a_course, "Chess")
    act(enrollment.reject, act(a_request, student.user_id, course_id), by=admin_id, reason="Later")
    sql(
        "INSERT INTO payments (user_id, course_title, amount_cents, refunded_cents, currency,"
        " status) VALUES (:u, 'Go', 2800, 2800, 'jpy', 'refunded')",
        u=student.user_id,
    )
    assert "Rejected Later" in text_of(student.get("/student/requests").text)
    payments = text_of(student.get("/student/payments").text)
    assert "Refunded ¥2,800 ¥2,800" in payments
    act(enrollment.delete_course, course_id, by=None)
    assert "Chess" in student.get("/student/requests").text


def test_an_unchanged_poll_costs_two_statements_and_no_body(
    student: Browser, act: Act, statements: Statements
) -> None:
    act(enrollment.enroll_directly, student.user_id, act(a_public_course, chapters=1))
    for page in [*PAGES, "/student/courses/1"]:
        tag = student.get(page, headers={"X-Live": "1"}).headers["ETag"]
        headers = {"X-Live": "1", "If-None-Match": tag}
        with statements() as sent:
            unchanged = student.get(page, headers=headers)
        assert (unchanged.status_code, unchanged.data) == (304, b""), page
        assert len(sent) <= 2
        act(a_course, "News")
        changed = student.get(page, headers=headers)
        assert changed.status_code == 200, page
        assert "<html" not in changed.text
        assert "data-live" in changed.text


def test_pages_and_lists_cost_the_same_statements_for_few_and_for_many_enrollments(
    student: Browser, act: Act, statements: Statements
) -> None:
    foreign, mine = act(a_course, chapters=1), act(a_public_course, chapters=1)
    act(enrollment.enroll_directly, student.user_id, mine)
    courses = [f"/student/courses/{foreign}", f"/student/courses/{mine}"]
    counts: list[dict[str, int]] = []
    for many in (9, 300):
        act(enroll_in_many, student.user_id, many)
        counts.append({})
        for page in [*PAGES, *JSON_LISTS, *courses]:
            with statements() as sent:
                assert student.get(page).status_code == 200
            counts[-1][page] = len(sent)
    assert act(queries.stats, student.user_id).enrolled_courses == 310
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 8


def enroll_in_many(student_id: int, count: int) -> None:
    """Add courses with a chapter and the student in them, past every verb only to be quick."""
    with writer(db.engine).begin() as connection:
        course = [{"title": "Many", "status": "published"}] * count
        ids = connection.scalars(insert(Course).returning(Course.id), course).all()
        rows = [{"user_id": student_id, "student_id": student_id, "course_id": id} for id in ids]
        connection.execute(insert(Chapter).values(title="One"), _only(rows, "course_id"))
        connection.execute(insert(Enrollment), _only(rows, "user_id", "course_id"))
        connection.execute(insert(StudentProgress), _only(rows, "student_id", "course_id"))
        sources = _only(rows, "user_id", "course_id")
        connection.execute(insert(AccessSource).values(kind="direct"), sources)


def _only(rows: list[dict[str, int]], *names: str) -> list[dict[str, int]]:
    return [{name: row[name] for name in names} for row in rows]
