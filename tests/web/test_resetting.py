"""Resetting progress in the browser and by JSON."""

import pytest

from lms import enrollment
from tests.builders import a_public_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import chapters_of, error_at


@pytest.fixture
def pair(act: Act) -> tuple[int, int]:
    """A student who has completed one of two chapters of a course."""
    student, course = act(a_student), act(a_public_course, "Botany", chapters=2)
    act(enrollment.enroll_directly, student, course)
    act(enrollment.complete_chapter, student, chapters_of(act, course, student)[0])
    return student, course


def test_the_students_page_leads_to_it_while_there_is_progress(
    admin: Browser, pair: tuple[int, int], sql: Sql
) -> None:
    student, course = pair
    page = f"/admin/students/{student}/courses/{course}/reset-progress"
    assert page in admin.get(f"/admin/students/{student}").text
    asked = admin.get(page)
    assert "progress falls from 50% to 0%" in asked.text
    refused = admin.send_form(page, reason=" ")
    assert refused.status_code == 422
    assert error_at(refused.text, "reason") == "Enter a reason. The student will see it."
    answer = admin.send_form(page, reason="A new term")
    assert (answer.status_code, answer.location) == (303, f"/admin/students/{student}")
    after = admin.get(answer.location).text
    assert "1 chapter marked incomplete." in after
    assert page not in after
    assert sql("SELECT progress FROM enrollments") == [(0,)]


def test_a_pair_without_access_leads_back(admin: Browser, pair: tuple[int, int], act: Act) -> None:
    student, course = pair
    page = f"/admin/students/{student}/courses/{course}/reset-progress"
    act(enrollment.unenroll, student, course, by=None)
    for answer in (admin.get(page), admin.send_form(page, reason="Late")):
        assert (answer.status_code, answer.location) == (303, f"/admin/students/{student}")
    assert "enrolled in this course" in admin.get(f"/admin/students/{student}").text


def test_a_json_client_resets_it(admin: Browser, pair: tuple[int, int]) -> None:
    student, course = pair
    body = {"studentId": student, "courseId": course}
    assert admin.send_json("DELETE", "/api/progress", body).status_code == 422
    answer = admin.send_json("DELETE", "/api/progress", {**body, "reason": "A new term"})
    assert answer.get_json() == {**body, "progress": 0, "reopenedChapters": 1}
    unknown = {**body, "courseId": 999, "reason": "A new term"}
    assert admin.send_json("DELETE", "/api/progress", unknown).status_code == 404
