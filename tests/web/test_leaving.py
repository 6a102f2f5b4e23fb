"""Leaving a course in the browser and by JSON."""

import pytest

from lms import enrollment
from tests.builders import a_course, a_course_open_to_all, a_public_course, an_admin
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import text_of
from tests.web.test_payment_pages import a_payment


def test_the_reader_leads_to_a_question_and_the_answer_to_the_catalog(
    student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, "Botany", chapters=2)
    act(enrollment.enroll_directly, student.user_id, course)
    page = f"/student/courses/{course}/leave"
    assert f'href="{page}"' in student.get(f"/student/courses/{course}").text
    asked = text_of(student.get(page).text)
    assert "Leave “Botany”?" in asked
    assert "Your progress (0%) is saved" in asked
    assert "You can enroll again at any time." in asked
    answer = student.send_form(page)
    assert (answer.status_code, answer.location) == (303, "/student/courses")
    assert "You left Botany." in student.get("/student/courses").text
    assert sql("SELECT id FROM enrollments") == []
    again = student.send_form(page)  # a second tab
    assert again.location == f"/student/courses/{course}"
    assert "You aren&#39;t enrolled" in student.get(again.location).text


@pytest.mark.parametrize("chapters", [0, 1])
def test_the_link_is_there_exactly_where_leaving_works(
    student: Browser, act: Act, sql: Sql, chapters: int
) -> None:
    free, bought = act(a_public_course, chapters=chapters), act(a_course, chapters=chapters)
    everybodys = act(a_course_open_to_all, chapters=chapters)
    act(enrollment.enroll_directly, student.user_id, free)
    act(enrollment.enroll, student.user_id, bought, by=act(an_admin))
    a_payment(sql, student, bought, "paid")
    for course, can_leave in ((free, True), (bought, False), (everybodys, False)):
        page = student.get(f"/student/courses/{course}")
        assert page.status_code == 200
        assert ("Leave this course" in page.text) is can_leave
        asked = student.get(f"/student/courses/{course}/leave")
        assert (asked.status_code == 200) is can_leave


def test_a_course_of_everybody_says_why_it_stays(student: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course_open_to_all, chapters=1)
    page = f"/student/courses/{course}/leave"
    for ask in (student.get, student.send_form):
        answer = ask(page)
        assert (answer.status_code, answer.location) == (303, f"/student/courses/{course}")
        assert "open to every student" in student.get(answer.location).text
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_a_json_client_leaves_and_is_told_why_not(student: Browser, act: Act) -> None:
    course, everybodys = act(a_public_course), act(a_course_open_to_all)
    act(enrollment.enroll_directly, student.user_id, course)
    statuses = []
    for course_id in (course, course, everybodys, 999):
        answer = student.send_json("DELETE", "/api/student/enroll", {"courseId": course_id})
        statuses.append((answer.status_code, (answer.get_json(silent=True) or {}).get("code")))
    refused = [(409, "not_enrolled"), (403, "forbidden"), (404, "not_found")]
    assert statuses == [(204, None), *refused]
