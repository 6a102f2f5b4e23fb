"""The picture of a course: chosen by an admin, seen by whoever sees the course."""

import pytest
from flask import Flask

from lms import enrollment
from lms.refusals import Invalid
from tests.builders import a_course, a_file, a_public_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import card, text_of


def _covered(act: Act, **fields: object) -> tuple[int, str]:
    """Return a course and the address of its picture."""
    course = act(a_course, "Botany", **fields)
    picture = act(a_file, course, "pot.png", width=640, height=480)
    act(enrollment.choose_cover, course, picture, by=None)
    return course, f"/courses/{course}/files/{picture}/pot.png"


def test_a_picture_is_chosen_and_is_on_the_card_and_the_page(
    admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, "Botany")
    picture = act(a_file, course, "pot.png", width=640, height=480)
    address = f"/admin/courses/{course}"
    assert 'alt="" ' not in card(student.get("/student/courses").text, course)
    answer = admin.send_form(f"{address}/picture", picture=str(picture))
    assert (answer.status_code, answer.location) == (303, f"{address}#picture")
    shown = f'src="/courses/{course}/files/{picture}/pot.png" alt="" width="640" height="480"'
    for page in (
        card(student.get("/student/courses").text, course),
        student.get(f"/student/courses/{course}").text,
    ):
        assert f'loading="lazy" {shown}' in page
    assert f'<option value="{picture}" selected>pot.png</option>' in admin.get(address).text
    assert "Picture: none → pot.png" in text_of(admin.get("/admin/audit").text)
    admin.send_form(f"{address}/picture", picture=str(picture))
    admin.send_form(f"{address}/picture", picture="")
    assert shown not in student.get("/student/courses").text
    edited = sql("SELECT id FROM audit_entries WHERE action = 'course.edited'")
    assert len(edited) == 2


def test_whoever_sees_a_course_may_fetch_its_picture_and_nothing_else(
    app: Flask, student: Browser, act: Act
) -> None:
    course, address = _covered(act)
    other = act(a_file, course, "other.png", b"other")
    assert student.get(address).status_code == 200
    assert student.get(f"/courses/{course}/files/{other}/other.png").status_code == 404
    assert Browser(app).get(address).status_code == 303
    act(enrollment.choose_cover, course, other, by=None)
    assert student.get(address).status_code == 404


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_course_that_is_not_shown_shows_no_picture_but_to_those_in_it(
    admin: Browser, student: Browser, act: Act, status: str
) -> None:
    course, address = _covered(act, status=status)
    assert student.get(address).status_code == 404
    assert admin.get(address).status_code == 200
    act(enrollment.enroll, student.user_id, course, by=None)
    assert student.get(address).status_code == 200


def test_only_a_picture_of_the_same_course_is_taken(act: Act, sql: Sql) -> None:
    course, _address = _covered(act)
    other = act(a_file, act(a_course), "elsewhere.png")
    sheet = act(a_file, course, "b.pdf", b"pdf", kind="document", media_type="application/pdf")
    for wrong in (other, sheet, 999):
        with pytest.raises(Invalid):
            act(enrollment.choose_cover, course, wrong, by=None)
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("pot.png",)]
    sql("DELETE FROM course_files WHERE is_cover")
    assert sql("SELECT id FROM courses WHERE id = :course", course=course) == [(course,)]


@pytest.mark.parametrize("typed", ["999", "x", "-1", "9" * 40, "٣"])
def test_a_number_of_no_picture_is_refused_in_words(admin: Browser, act: Act, typed: str) -> None:
    course, _ = _covered(act)
    answer = admin.send_form(f"/admin/courses/{course}/picture", picture=typed)
    assert answer.status_code == 303
    said = text_of(admin.get(f"/admin/courses/{course}").text)
    assert "Choose " in said
    assert "picture isn't in the course anymore" in said or "one of the course's pictures" in said
