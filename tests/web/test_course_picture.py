"""The picture of a course, chosen in the course's own form."""

import pytest
from flask import Flask

from lms import enrollment
from lms.enrollment import CourseFields, Picture
from lms.files import store
from lms.files.content import Content
from lms.files.taking import NO_PICTURE, TOO_LARGE
from lms.refusals import FileLost
from tests.builders import a_public_course, a_student
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.course_form import NEW, a_picture, kept, send
from tests.web.pages import card, error_at


def test_a_new_course_has_the_picture_that_was_chosen_with_it(
    admin: Browser, student: Browser, sql: Sql
) -> None:
    answer = send(admin, NEW, a_picture())
    assert answer.status_code == 303
    [(course, name, is_cover)] = sql("SELECT course_id, name, is_cover FROM course_files")
    assert (name, bool(is_cover)) == ("leaf.png", True)
    shown = card(student.get("/student/courses").text, course)
    assert f'src="/courses/{course}/files/1/leaf.png" alt="" width="640" height="360"' in shown
    trail = [row.action for row in sql("SELECT action FROM audit_entries ORDER BY id")]
    assert trail[-3:] == ["course.created", "file.added", "course.edited"]


def test_another_picture_takes_its_place_and_none_leaves_it(admin: Browser, sql: Sql) -> None:
    send(admin, NEW, a_picture())
    address = f"/admin/courses/{sql('SELECT id FROM courses')[0][0]}"
    assert 'enctype="multipart/form-data"' in admin.get(address).text
    assert send(admin, address, title="Botany 2").status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("leaf.png",)]
    assert send(admin, address, a_picture("blue"), "pot.png").status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("pot.png",)]
    assert send(admin, address, a_picture("red")).status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("leaf.png",)]
    assert len(sql("SELECT id FROM course_files")) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_PICTURE),
        (b"WEBVTT\n\n", NO_PICTURE),
        (bytes(20_000_000), TOO_LARGE),
        (a_picture()[:60], "The picture is damaged."),
    ],
    ids=["svg", "captions", "20 MB", "damaged"],
)
def test_a_picture_that_is_none_is_refused_at_its_field_and_what_was_typed_stays(
    admin: Browser, act: Act, sql: Sql, content: bytes, said: str
) -> None:
    course = act(a_public_course, "Weaving")
    before = sql("SELECT * FROM courses")
    for address in (NEW, f"/admin/courses/{course}"):
        answer = send(admin, address, content, teacher="Ada Lovelace")
        assert answer.status_code == 422
        assert said in error_at(answer.text, "picture")
        assert answer.text.count('class="field-error"') == 1
        assert 'value="Botany"' in answer.text
        assert 'value="Ada Lovelace"' in answer.text
    assert sql("SELECT * FROM courses") == before
    assert sql("SELECT * FROM course_files") == []


def test_a_picture_waits_for_the_word_that_ends_access(admin: Browser, act: Act, sql: Sql) -> None:
    act(a_student)
    send(admin, NEW, entry="everybody")
    address = f"/admin/courses/{sql('SELECT id FROM courses')[0][0]}"
    asked = send(admin, address, a_picture())
    assert "End access and save" in asked.text
    assert "FileStorage" not in asked.text
    assert sql("SELECT * FROM course_files") == []
    done = send(admin, address, confirmed="1", picture_kept=kept(asked.text))
    assert done.status_code == 303
    assert sql("SELECT name FROM course_files WHERE is_cover") == [("leaf.png",)]


def test_a_course_and_its_picture_are_saved_together_or_not_at_all(act: Act, sql: Sql) -> None:
    gone = Picture(Content("0" * 64, 9, "picture", "image/png", 3, 3), "gone.png")
    fields = CourseFields(title="Botany", status="published")
    with pytest.raises(FileLost):
        act(enrollment.create_course, fields, picture=gone, by=None)
    assert sql("SELECT * FROM courses") == []
    course = act(a_public_course, "Weaving")
    with pytest.raises(FileLost):
        act(enrollment.edit_course, course, fields, picture=gone, by=None)
    assert sql("SELECT title FROM courses") == [("Weaving",)]


def test_a_picture_without_room_is_refused_at_its_field(app: Flask, admin: Browser) -> None:
    app.config["LMS_FILES_GIGABYTES"] = 0
    answer = send(admin, NEW, a_picture())
    assert answer.status_code == 422
    assert "There's no room for this file" in error_at(answer.text, "picture")
    with app.app_context():
        assert store.digests() == set()
