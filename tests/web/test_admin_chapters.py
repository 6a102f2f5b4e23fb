"""Chapters as admins write them."""

from lms import enrollment
from tests.builders import (
    a_chapter,
    a_course,
    a_student,
)
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act


def test_a_chapter_is_previewed_before_it_is_added(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/new"
    text = {"title": "One", "body": "**bold** <script>alert(1)</script>"}

    preview = admin.send_form(address, **text, preview="1")
    shown = preview.text[preview.text.index('class="prose"') :]
    assert "<strong>bold</strong>" in shown
    assert "<script>alert" not in shown
    assert sql("SELECT * FROM chapters") == []

    assert admin.send_form(address, **text).status_code == 303
    assert sql("SELECT title, body FROM chapters") == [("One", text["body"])]


def test_a_chapter_is_edited_and_previewed(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    chapter = act(a_chapter, course, "Before", "Old text")
    address = f"/admin/courses/{course}/chapters/{chapter}"
    assert "Old text" in admin.get(address).text
    assert "<em>new</em>" in admin.send_form(address, title="T", body="*new*", preview="1").text
    assert sql("SELECT title FROM chapters") == [("Before",)]
    admin.send_form(address, title="After", body="New")
    assert sql("SELECT title, body FROM chapters") == [("After", "New")]


def test_a_chapter_without_a_title_comes_back(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    chapter = act(a_chapter, course, "Before")
    for last in ("new", chapter):
        answer = admin.send_form(f"/admin/courses/{course}/chapters/{last}", title="", body="Typed")
        assert answer.status_code == 422
        assert "Typed" in answer.text
    assert sql("SELECT title FROM chapters") == [("Before",)]


def test_chapters_move_up_and_down(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    one, two = act(a_chapter, course), act(a_chapter, course)
    address = f"/admin/courses/{course}/chapters"
    for chapter, way, order in (
        (two, "up", [two, one]),
        (two, "up", [two, one]),
        (two, "down", [one, two]),
    ):
        assert admin.send_form(f"{address}/{chapter}/{way}").status_code == 303
        assert [row.id for row in sql("SELECT id FROM chapters ORDER BY position")] == order


def test_deleting_a_chapter_shows_what_goes_first(admin: Browser, act: Act, sql: Sql) -> None:
    course = act(a_course)
    one, _ = act(a_chapter, course), act(a_chapter, course)
    student = act(a_student)
    act(enrollment.enroll, student, course, by=admin.user_id)
    act(enrollment.complete_chapter, student, one)
    address = f"/admin/courses/{course}/chapters/{one}/delete"
    assert "Its text and 1 completion are deleted." in admin.get(address).text
    assert "certificate" not in admin.get(address).text
    admin.send_form(address)
    assert sql("SELECT progress FROM enrollments") == [(0,)]
    assert ": 1 completion<" in admin.get("/admin/audit").text


def test_deleting_a_chapter_says_who_completes_the_course_by_that(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    one, two = act(a_chapter, course), act(a_chapter, course)
    for done in ([one], [one], [two], [one, two], []):
        student = act(a_student)
        act(enrollment.enroll, student, course, by=admin.user_id)
        for chapter in done:
            act(enrollment.complete_chapter, student, chapter)
    address = f"/admin/courses/{course}/chapters/{two}/delete"
    assert "2 students have completed all remaining chapters and so get" in admin.get(address).text
    admin.send_form(address)
    assert sql("SELECT count(*) FROM certificates") == [(3,)]
    last = admin.get(f"/admin/courses/{course}/chapters/{one}/delete").text
    assert "certificate" not in last
    act(a_chapter, course)  # who has a certificate gets no other one
    page = admin.get(f"/admin/courses/{course}/chapters/{one}/delete").text
    assert "certificate" not in page
    kept = admin.get(f"/admin/courses/{course}/delete").text
    assert "Decisions, 3 certificates and the audit trail are kept." in kept


def test_a_chapter_is_found_under_its_own_course_alone(admin: Browser, act: Act, sql: Sql) -> None:
    chapter = act(a_chapter, act(a_course))
    address = f"/admin/courses/{act(a_course, 'Other')}/chapters/{chapter}"
    assert admin.get(address).status_code == 404
    for action in ("", "/up", "/delete"):
        assert admin.send_form(address + action, title="T", body="").status_code == 404
    assert sql("SELECT count(*) FROM chapters") == [(1,)]
