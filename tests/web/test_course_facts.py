"""Who teaches a course and how long it takes, from the form to the card."""

import io
import json
from csv import DictReader

from tests.builders import a_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import card, error_at, text_of

BREAD = {
    "title": "Bread",
    "status": "published",
    "price": "0",
    "currency": "EUR",
    "teacher": " Tomas  Lindqvist ",
    "duration": "6 weeks, 3 hours a week",
}


def test_teacher_and_length_show_wherever_the_course_does(
    admin: Browser, student: Browser, sql: Sql
) -> None:
    assert admin.send_form("/admin/courses/new", **BREAD).status_code == 303
    [course] = sql("SELECT id, teacher, duration FROM courses")
    assert (course.teacher, course.duration) == ("Tomas Lindqvist", "6 weeks, 3 hours a week")
    shown = text_of(card(student.get("/student/courses").text, course.id))
    assert shown.startswith("Bread Tomas Lindqvist 6 weeks, 3 hours a week 0 chapters")
    page = text_of(student.get(f"/student/courses/{course.id}").text)
    assert "Teacher Tomas Lindqvist Length 6 weeks, 3 hours a week Price Free" in page
    [told] = json.loads(student.get("/api/student/courses").text)["courses"]
    assert (told["teacher"], told["duration"]) == ("Tomas Lindqvist", "6 weeks, 3 hours a week")
    exported = admin.get("/admin/courses.csv").text.lstrip("\ufeff")
    [row] = DictReader(io.StringIO(exported))
    assert (row["teacher"], row["duration"]) == ("Tomas Lindqvist", "6 weeks, 3 hours a week")


def test_a_course_without_them_shows_no_blank_ones(student: Browser, act: Act) -> None:
    course = act(a_course, "Algebra")
    page = text_of(student.get(f"/student/courses/{course}").text)
    assert "Get access Price Free" in page
    assert text_of(card(student.get("/student/courses").text, course)).startswith(
        "Algebra 0 chapters"
    )


def test_what_is_too_long_for_a_card_is_refused_at_its_field(admin: Browser, sql: Sql) -> None:
    for field in ("teacher", "duration"):
        answer = admin.send_form("/admin/courses/new", **{**BREAD, field: "x" * 121})
        assert answer.status_code == 422
        assert "Use at most 120 characters." in error_at(answer.text, field)
    markup = {**BREAD, "teacher": "<script>alert(1)</script>"}
    assert admin.send_form("/admin/courses/new", **markup).status_code == 303
    [(course,)] = sql("SELECT id FROM courses")
    assert "<script>alert" not in admin.get(f"/admin/courses/{course}").text
