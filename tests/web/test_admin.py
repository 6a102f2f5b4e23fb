"""What all admin pages share: who may see them, odd addresses, their cost, the badge."""

from lms import enrollment
from tests.builders import a_course, a_request, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements

LISTS = [
    "/admin/requests",
    "/admin/requests/decided",
    "/admin/students",
    "/admin/courses",
    "/admin/payments",
    "/admin/analytics",
    "/admin/audit",
    "/admin/sync",
    "/admin/admins",
    "/admin/payments/books",
    "/admin/payments/inbox",
]
FORMS = [
    "/admin/requests",
    "/admin/students/1/enroll",
    "/admin/students/1/rename",
    "/admin/students/1/reactivate",
    "/admin/students/1/deactivate",
    "/admin/students/1/delete",
    "/admin/students/1/make-admin",
    "/admin/students/1/courses/1/unenroll",
    "/admin/admins/1/make-student",
    "/admin/courses/new",
    "/admin/courses/1",
    "/admin/courses/1/archive",
    "/admin/courses/1/delete",
    "/admin/courses/1/chapters/new",
    "/admin/courses/1/chapters/1",
    "/admin/courses/1/chapters/1/up",
    "/admin/courses/1/chapters/1/delete",
]
UNKNOWN = [
    "/admin/students/999",
    "/admin/students/999/delete",
    "/admin/students/999/courses/1/unenroll",
    "/admin/students/2147483648",
    "/admin/admins/999/make-student",
    "/admin/courses/999",
    "/admin/courses/999/delete",
    "/admin/courses/999/chapters/new",
    "/admin/courses/999/chapters/1",
    "/admin/courses/999/chapters/1/delete",
    "/admin/analytics/secrets.csv",
]


def test_pages_are_for_admins_who_signed_in(browser: Browser, student: Browser) -> None:
    for address in [*LISTS, "/admin/students/1", "/admin/analytics/days.csv"]:
        signed_out = browser.get(address)
        assert signed_out.status_code == 303
        assert signed_out.location.startswith("/login?next=")
        assert student.get(address).status_code == 403


def test_forms_are_for_admins_who_signed_in(browser: Browser, student: Browser) -> None:
    for address in FORMS:
        assert browser.send_form(address).location == "/login"
        assert student.send_form(address).status_code == 403


def test_forms_need_their_token(admin: Browser) -> None:
    for address in FORMS:
        answer = admin.post(address)
        assert answer.status_code == 400
        assert "expired" in answer.text


def test_pages_of_an_empty_school_say_so(admin: Browser) -> None:
    for address in LISTS:
        page = admin.get(address)
        assert page.status_code == 200
        assert 'class="empty"' in page.text or address in {"/admin/audit", "/admin/admins"}


def test_what_does_not_exist_is_not_found(admin: Browser) -> None:
    gone = admin.get("/admin/students/4711")
    assert "data-live-url" not in gone.text, "no poll brings it back"
    assert 'href="/">Go to the home page' in gone.text
    for address in UNKNOWN:
        assert admin.get(address).status_code == 404
        if not address.endswith(".csv"):
            assert admin.send_form(address).status_code in {404, 405}


def test_odd_addresses_are_as_if_not_asked(admin: Browser) -> None:
    odd = {
        "page": "x",
        "q": "\x00",
        "course": "99999999999",
        "status": "\x00",
        "from": "0001-01-01",
        "to": "9999-12-31",
        "before": "-1",
        "actor": "\x00",
        "action": "\x00" * 100,
        "student": "²",
    }
    for address in LISTS:
        assert admin.get(address, query_string=odd).status_code == 200


def test_a_page_beyond_the_last_leads_to_the_last(admin: Browser) -> None:
    for address in LISTS[:5]:
        answer = admin.get(f"{address}?page=999999")
        assert (answer.status_code, answer.location) == (302, address)
        poll = admin.get(f"{address}?page=999999", headers={"X-Live": "1"})
        assert (poll.status_code, 'class="empty"' in poll.text) == (200, True), address


def test_an_unchanged_poll_costs_two_statements(
    admin: Browser, act: Act, statements: Statements
) -> None:
    student = act(a_student)
    polls = {}
    for address in LISTS:
        fresh = admin.get(address, headers={"X-Live": "1"})
        polls[address] = {"X-Live": "1", "If-None-Match": fresh.headers["ETag"]}
        with statements() as sent:
            assert admin.get(address, headers=polls[address]).status_code == 304
        assert len(sent) <= 2
    act(a_request, student, act(a_course))  # the badge beside 'Requests' counts it
    for address, poll in polls.items():
        assert admin.get(address, headers=poll).status_code == 200


def test_pages_send_as_many_statements_for_many_rows(
    admin: Browser, act: Act, sql: Sql, statements: Statements
) -> None:
    student, course = act(a_student), act(a_course, chapters=1)
    act(a_request, student, course)
    act(enrollment.approve, act(a_request, student, act(a_course)), by=admin.user_id)
    # A validation is not a list: its samples depend on what is wrong, not on how much there is.
    lists = [address for address in LISTS if address != "/admin/sync"]
    pages = [*lists, f"/admin/students/{student}", f"/admin/courses/{course}"]

    def counted() -> dict[str, int]:
        numbers = {}
        for address in pages:
            with statements() as sent:
                assert admin.get(address).status_code == 200
            numbers[address] = len(sent)
        return numbers

    admin.get("/admin/requests")  # once asked, it knows that the school's first steps are done
    few = counted()
    many_rows(sql, course)
    assert counted() == few


def many_rows(sql: Sql, course: int) -> None:
    """Add 300 students who wait and paid, and 60 courses."""
    for number in range(300):
        sql("INSERT INTO users (email, name) VALUES (:email, 'Many')", email=f"m{number}@x.org")
    sql(
        "INSERT INTO access_requests (student_id, course_id)"
        " SELECT id, :course FROM users WHERE name = 'Many'",
        course=course,
    )
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents)"
        " SELECT id, :course, 100 FROM users WHERE name = 'Many'",
        course=course,
    )
    for number in range(60):
        sql("INSERT INTO courses (title) VALUES (:title)", title=f"Course {number}")


def test_the_badge_counts_waiting_requests_on_every_admin_page(admin: Browser, act: Act) -> None:
    course = act(a_course)
    for _ in range(3):
        act(a_request, act(a_student), course)
    for address in (*LISTS, "/admin/courses/new"):
        assert '3<span class="visually-hidden"> waiting' in admin.get(address).text


def test_students_do_not_pay_for_the_badge(
    student: Browser, act: Act, statements: Statements
) -> None:
    act(a_request, act(a_student), act(a_course))
    with statements() as sent:
        assert student.get("/student/dashboard").status_code == 200
    queue = "WHERE access_requests.status ="
    assert not [each for each in sent if queue in " ".join(each.text.split())]
