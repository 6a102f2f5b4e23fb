"""The picture of a course: chosen by an admin, seen by whoever sees the course."""

import re

import pytest
from flask import Flask

from lms import enrollment
from lms.refusals import Invalid
from tests.builders import a_course, a_cover, a_file, a_public_course
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.course_form import TYPED, a_picture, send
from tests.web.pages import card, error_at, text_of


def _covered(act: Act, **fields: object) -> tuple[int, str]:
    """Return a course and the address of its picture."""
    course = act(a_course, "Botany", **fields)
    picture = act(a_file, course, "pot.png", width=640, height=480)
    act(a_cover, course, picture)
    return course, f"/courses/{course}/files/{picture}/pot.png"


def test_a_picture_is_chosen_and_is_on_the_card_and_the_page(
    admin: Browser, student: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_public_course, "Botany")
    picture = act(a_file, course, "pot.png", width=640, height=480)
    address = f"/admin/courses/{course}"
    assert 'alt="" ' not in card(student.get("/student/courses").text, course)
    answer = send(admin, address, cover=str(picture))
    assert (answer.status_code, answer.location) == (303, address)
    shown = f'src="/courses/{course}/files/{picture}/pot.png" alt="" width="640" height="480"'
    for page in (
        card(student.get("/student/courses").text, course),
        student.get(f"/student/courses/{course}").text,
    ):
        assert f'loading="lazy" {shown}' in page
    assert f'<option selected value="{picture}">pot.png</option>' in admin.get(address).text
    assert "Picture: none → pot.png" in text_of(admin.get("/admin/audit").text)
    send(admin, address, cover=str(picture))
    send(admin, address)
    assert shown in student.get("/student/courses").text
    send(admin, address, cover="")
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
    act(a_cover, course, other)
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
            act(a_cover, course, wrong)
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("pot.png",)]
    sql("DELETE FROM course_files WHERE is_cover")
    assert sql("SELECT id FROM courses WHERE id = :course", course=course) == [(course,)]


@pytest.mark.parametrize("typed", ["999", "x", "-1", "9" * 40, "٣"])
def test_a_number_of_no_picture_is_refused_in_words(admin: Browser, act: Act, typed: str) -> None:
    course, _ = _covered(act)
    answer = send(admin, f"/admin/courses/{course}", cover=typed, description="A long story.")
    assert answer.status_code == 422
    said = error_at(answer.text, "cover")
    assert "Choose " in said
    assert "picture isn't in the course anymore" in said or "one of the course's pictures" in said
    assert "A long story.</textarea>" in answer.text


def test_a_new_picture_goes_before_the_one_that_the_course_has(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course, _ = _covered(act)
    kept = sql("SELECT id FROM course_files")[0][0]
    send(admin, f"/admin/courses/{course}", a_picture(), cover=str(kept))
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("leaf.png",)]


def test_a_picture_that_was_chosen_meanwhile_stays_for_who_left_the_other_one(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course, _ = _covered(act)
    before = str(sql("SELECT id FROM course_files")[0][0])
    page = admin.get(f"/admin/courses/{course}").text
    assert f'name="cover_shown" value="{before}"' in page
    act(a_cover, course, act(a_file, course, "other.png", b"other"))
    send(admin, f"/admin/courses/{course}", cover=before, cover_shown=before)
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("other.png",)]


def test_of_two_who_choose_a_picture_the_later_is_told_and_can_replace(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course, _ = _covered(act)
    before = str(sql("SELECT id FROM course_files")[0][0])
    other, third = (str(act(a_file, course, f"{n}.png", n.encode())) for n in ("other", "third"))
    act(a_cover, course, int(other))
    address = f"/admin/courses/{course}"
    answer = send(admin, address, cover=third, cover_shown=before, teacher="Kim")
    assert answer.status_code == 422
    assert "“other.png” has been chosen. Save again" in error_at(answer.text, "cover")
    assert 'value="Kim"' in answer.text
    assert f'<option selected value="{third}">' in answer.text
    assert f'name="cover_shown" value="{other}"' in answer.text
    assert send(admin, address, cover=third, cover_shown=other).status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("third.png",)]


def test_who_chooses_a_picture_is_told_that_the_course_s_was_removed_meanwhile(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course, _ = _covered(act)
    before = str(sql("SELECT id FROM course_files")[0][0])
    other = str(act(a_file, course, "other.png", b"other"))
    act(a_cover, course, None)
    address = f"/admin/courses/{course}"
    answer = send(admin, address, cover=other, cover_shown=before)
    assert answer.status_code == 422
    told = error_at(answer.text, "cover")
    assert "the course's picture has been removed. Save again to use the one you chose." in told
    assert send(admin, address, cover=other, cover_shown="").status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("other.png",)]


def test_a_picture_is_called_like_no_program(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course, "Botany")
    answer = send(admin, f"/admin/courses/{course}", a_picture(), "setup.exe")
    assert answer.status_code == 422
    assert "Programs aren't accepted" in error_at(answer.text, "picture")
    assert sql("SELECT id FROM course_files") == []


def test_a_form_of_a_course_that_lacks_any_of_its_fields_is_answered_in_words(
    admin: Browser, act: Act
) -> None:
    course = act(a_course, "Botany")
    for address in ("/admin/courses/new", f"/admin/courses/{course}"):
        for name in TYPED:
            typed = {key: value for key, value in TYPED.items() if key != name}
            assert admin.send_form(address, **typed).status_code in {303, 422}, (address, name)


def test_the_page_of_a_course_has_one_form_for_all_that_is_typed(admin: Browser, act: Act) -> None:
    course, _ = _covered(act)
    page = admin.get(f"/admin/courses/{course}").text
    typed = r'<(?:input type="(?:text|file)|textarea|select)[^>]*>'
    forms = [each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if "find" not in each]
    assert len([each for each in forms if re.search(typed, each)]) == 1
