"""The notices page, the bell on every page, and which e-mails a person has chosen."""

from typing import Any

from sqlalchemy import insert

from lms import enrollment
from lms.db import db, writer
from lms.models import Notice
from lms.queries.paging import PAGE_SIZE
from tests.builders import a_course, a_request, an_admin
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, AddPerson, Statements
from tests.web.pages import text_of


def tell(act: Act, student: int, *, times: int = 1) -> None:
    admin = act(an_admin)
    for number in range(times):
        act(enrollment.enroll, student, act(a_course, f"Algebra {number}"), by=admin)


def test_the_page_tells_the_newest_first_and_where_to_go(student: Browser, act: Act) -> None:
    assert "No notices yet" in student.get("/student/notices").text
    course = act(a_course, "Algebra & more")
    request = act(a_request, student.user_id, course)
    act(enrollment.reject, request, by=act(an_admin), reason="Not <yet>")
    tell(act, student.user_id)
    page = student.get("/student/notices").text
    read = text_of(page)
    assert read.index("You're enrolled in Algebra 0") < read.index("Algebra & more was rejected")
    assert "Reason: Not <yet>" in read
    assert f'href="/student/courses/{course}"' in page
    assert "2 unread" in read


def test_marking_one_or_all_counts_the_bell_down(student: Browser, act: Act, sql: Sql) -> None:
    tell(act, student.user_id, times=3)
    assert 'aria-label="Notices, 3 unread"' in student.get("/student/dashboard").text
    [first, *_] = [row.id for row in sql("SELECT id FROM notices ORDER BY id")]
    for _ in range(2):
        answer = student.send_form("/student/notices/read", notice=first)
        assert (answer.status_code, answer.location) == (303, "/student/notices")
    assert 'aria-label="Notices, 2 unread"' in student.get("/profile").text
    for odd in ("-1", "99999999999"):
        assert student.send_form("/student/notices/read", notice=odd).status_code == 303
    assert 'aria-label="Notices, 2 unread"' in student.get("/student/notices").text
    student.send_form("/student/notices/read")
    assert 'aria-label="Notices, none unread"' in student.get("/student/notices").text


def test_a_poll_brings_the_new_count_and_then_costs_two_statements(
    student: Browser, act: Act, statements: Statements
) -> None:
    tag = student.get("/student/progress", headers={"X-Live": "1"}).headers["ETag"]
    headers = {"X-Live": "1", "If-None-Match": tag}
    with statements() as sent:
        assert student.get("/student/progress", headers=headers).status_code == 304
    assert len(sent) <= 2
    tell(act, student.user_id)
    news = student.get("/student/progress", headers=headers)
    assert news.status_code == 200
    assert 'aria-label="Notices, 1 unread"' in news.text
    assert "<html" not in news.text


def test_many_notices_come_in_pages(student: Browser, act: Act, sql: Sql) -> None:
    act(_insert_notices, student.user_id, PAGE_SIZE + 1)
    first = student.get("/student/notices").text
    assert first.count('<li id="notice-') == PAGE_SIZE
    last = student.get("/student/notices?page=2").text
    assert last.count('<li id="notice-') == 1
    assert student.get("/student/notices?page=99").text.count('<li id="notice-') == 1
    assert student.get("/student/notices?page=x").status_code == 200


def test_students_see_their_own_notices_alone(
    student: Browser, admin: Browser, act: Act, add_person: AddPerson
) -> None:
    other = add_person("other@example.org")
    tell(act, other)
    page = student.get("/student/notices").text
    assert "No notices yet" in page
    assert 'aria-label="Notices, none unread"' in page
    assert student.get("/api/student/notices").get_json()["total"] == 0
    assert admin.get("/student/notices").status_code == 403
    assert 'id="bell"' not in admin.get("/admin/requests").text


def test_the_list_as_json_and_what_is_read_of_it(student: Browser, act: Act) -> None:
    tell(act, student.user_id, times=2)
    answer = student.get("/api/student/notices")
    found = answer.get_json()
    assert (found["total"], found["unread"], found["page"], found["pages"]) == (2, 2, 1, 1)
    [newest, oldest] = found["notices"]
    assert newest["title"] == "You're enrolled in Algebra 1"
    assert newest["readAt"] is None
    tagged = {"If-None-Match": answer.headers["ETag"]}
    assert student.get("/api/student/notices", headers=tagged).status_code == 304
    read = student.send_json("POST", "/api/student/notices/read", {"ids": [oldest["id"], 999]})
    assert read.get_json() == {"unread": 1}
    assert student.get("/api/student/notices", headers=tagged).status_code == 200
    assert student.send_json("POST", "/api/student/notices/read", {}).get_json() == {"unread": 0}
    wrong: list[object] = [{"ids": ["1"]}, {"ids": [0]}, {"ids": [1] * 501}, {"id": 1}, []]
    for body in wrong:
        answer = student.send_json("POST", "/api/student/notices/read", body)
        assert answer.status_code == 422, body


def test_a_student_chooses_which_mails_to_get(student: Browser, sql: Sql) -> None:
    page = student.get("/profile").text
    assert _ticked(page) == {"decisions", "purchases"}
    assert 'name="requests"' not in page
    answer = student.send_form("/profile/emails", purchases="y")
    assert (answer.status_code, answer.location) == (303, "/profile")
    assert _ticked(student.get("/profile").text) == {"purchases"}
    student.send_form("/profile/emails", requests="y")  # the admins' kind is not theirs to choose
    [row] = sql("SELECT emails_decisions, emails_purchases, emails_requests FROM users")
    assert not any(row)


def test_an_admin_may_ask_for_mail_about_requests(admin: Browser, sql: Sql) -> None:
    page = admin.get("/profile").text
    assert 'name="requests"' in page
    assert _ticked(page) == set()
    assert "E-mails about your account are always sent." in admin.get("/profile").text
    admin.send_form("/profile/emails", requests="y")
    assert _ticked(admin.get("/profile").text) == {"requests"}


def test_a_choice_sent_without_its_token_changes_nothing(student: Browser, sql: Sql) -> None:
    answer = student.post("/profile/emails", data={})
    assert answer.status_code == 400
    assert "This form has expired" in answer.text
    assert sql("SELECT 1 FROM users WHERE NOT emails_decisions") == []


def _ticked(page: str) -> set[str]:
    return {name for name in ("decisions", "purchases", "requests") if _is_ticked(page, name)}


def _is_ticked(page: str, name: str) -> bool:
    field = next((part for part in page.split("<input") if f'name="{name}"' in part), "")
    return " checked" in field.partition(">")[0]


def _insert_notices(student: int, number: int) -> None:
    rows: list[dict[str, Any]] = [
        {"user_id": student, "kind": "paid", "key": f"n-{n}", "title": "T", "text": ""}
        for n in range(number)
    ]
    with writer(db.engine).begin() as connection:
        connection.execute(insert(Notice), rows)
