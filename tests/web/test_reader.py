"""The reader of a course, as a browser without JavaScript sees it."""

import re

from lms import enrollment
from lms.queries import student as queries
from tests.builders import a_chapter, a_public_course
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import chapters_of, text_of


def test_the_reader_opens_where_the_student_left_off(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    one, two = act(a_chapter, course_id, "One", "First **text**"), act(a_chapter, course_id, "Two")
    act(enrollment.enroll_directly, student.user_id, course_id)
    address = f"/student/courses/{course_id}"
    assert "First <strong>text</strong>" in student.get(address).text
    act(enrollment.complete_chapter, student.user_id, one)
    assert re.search(r"<h1[^>]*>Two</h1>", student.get(address).text)
    assert re.search(r"<h1[^>]*>One</h1>", student.get(f"{address}?chapter={one}").text)
    for odd in ("x", "0", "999", str(2**70), ""):
        assert re.search(r"<h1[^>]*>Two</h1>", student.get(f"{address}?chapter={odd}").text)
    act(enrollment.complete_chapter, student.user_id, two)
    assert re.search(r"<h1[^>]*>One</h1>", student.get(address).text)


def test_each_chapter_has_exactly_one_mark(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, chapters=3)
    act(enrollment.enroll_directly, student.user_id, course_id)
    one, *_ = chapters_of(act, course_id, student.user_id)
    act(enrollment.complete_chapter, student.user_id, one)
    page = student.get(f"/student/courses/{course_id}").text
    buttons = [text_of(found) for found in re.findall(r"<button.*?</button>", page, re.DOTALL)]
    assert sorted(name for name in buttons if name.startswith("Mark")) == [
        "Mark complete",
        "Mark complete",
        "Mark incomplete",
    ]


def test_a_poll_keeps_the_chapter_that_is_being_read(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, chapters=2)
    act(enrollment.enroll_directly, student.user_id, course_id)
    one, _ = chapters_of(act, course_id, student.user_id)
    page = student.get(f"/student/courses/{course_id}").text
    assert f'data-live-url="/student/courses/{course_id}?chapter={one}"' in page


def test_completing_leads_on_to_the_next_unread_and_ends_with_praise(
    student: Browser, act: Act
) -> None:
    course_id = act(a_public_course, "Botany", chapters=3)
    act(enrollment.enroll_directly, student.user_id, course_id)
    one, two, three = chapters_of(act, course_id, student.user_id)
    address = f"/student/courses/{course_id}"

    def complete(chapter_id: int) -> str:
        answer = student.send_form(f"{address}/chapters/{chapter_id}/complete")
        assert answer.status_code == 303
        return str(answer.location)

    assert complete(two) == f"{address}?chapter={three}"
    assert "1 of 3 chapters completed." in student.get(address).text
    assert complete(three) == f"{address}?chapter={one}"
    assert complete(one) == f"{address}?chapter={one}"
    page = student.get(f"{address}?chapter={one}").text
    assert "You&#39;ve completed Botany." in page
    assert "You&#39;ve completed this course" in page
    answer = student.send_form(f"{address}/chapters/{two}/reopen")
    assert answer.location == f"{address}?chapter={two}"
    assert act(queries.stats, student.user_id).average_progress == 66


def test_marks_beside_the_text_stay_on_the_chapter_being_read(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, chapters=2)
    act(enrollment.enroll_directly, student.user_id, course_id)
    one, two = chapters_of(act, course_id, student.user_id)
    here = f"/student/courses/{course_id}?chapter={one}"
    assert f'name="back" value="{here}"' in student.get(here).text
    address = f"/student/courses/{course_id}/chapters/{two}/complete"
    assert student.send_form(address, back=here).location == here


def test_only_the_enrolled_mark_chapters(student: Browser, act: Act) -> None:
    course_id = act(a_public_course, chapters=1)
    chapter_id = act(queries.course, student.user_id, course_id).chapters[0].id
    for verb in ("complete", "reopen"):
        address = f"/student/courses/{course_id}/chapters/{chapter_id}/{verb}"
        assert student.send_form(address).location == f"/student/courses/{course_id}"
        assert "You&#39;re not enrolled" in student.get(f"/student/courses/{course_id}").text
        gone = f"/student/courses/{course_id}/chapters/{chapter_id + 1}/{verb}"
        assert student.send_form(gone).status_code == 404


def test_chapters_are_shown_safely(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    act(a_chapter, course_id, "<i>One</i>", "# Top\n\n<script>alert(1)</script>")
    act(enrollment.enroll_directly, student.user_id, course_id)
    page = student.get(f"/student/courses/{course_id}").text
    assert page.count("<h1") == 1
    assert "alert(1)&lt;/script&gt;" in page
    assert "<i>One" not in page


def test_a_course_without_chapters_says_so_to_those_who_are_in(student: Browser, act: Act) -> None:
    course_id = act(a_public_course)
    act(enrollment.enroll_directly, student.user_id, course_id)
    assert "Nothing to read yet" in student.get(f"/student/courses/{course_id}").text
    act(a_chapter, course_id, body="   ")
    assert "This chapter has no text yet." in student.get(f"/student/courses/{course_id}").text
