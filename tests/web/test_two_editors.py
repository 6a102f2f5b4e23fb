"""Two admins, or two tabs, at the same form: who saves later is told what the other has saved."""

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lms import enrollment
from lms.accounts.sign_in import IDLE
from lms.db import at, now
from tests.builders import a_chapter, a_course, a_course_open_to_all, a_file, a_student
from tests.conftest import Sql
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Act, AddPerson
from tests.web.course_form import a_picture, kept, send
from tests.web.pages import text_of

LONG = "The loom stands in the hall.\n\n" * 20


@pytest.fixture
def eve(app: Flask, admin: Browser, add_person: AddPerson) -> Browser:
    """A second admin; the first one is called Ada Admin."""
    add_person("eve@example.org", role="admin")
    second = Browser(app)
    second.sign_in("eve@example.org")
    return second


def _seen(page: TestResponse) -> str:
    return page.text.partition('name="seen" value="')[2].partition('"')[0]


def _saved_now(page: TestResponse) -> str:
    return text_of(page.text.partition('id="saved-now"')[2].partition("</section>")[0])


def test_of_two_at_a_chapter_the_later_is_told_and_can_replace(
    admin: Browser, eve: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/{act(a_chapter, course, 'Loom', 'Old')}"
    seen = _seen(eve.get(address))
    assert admin.send_form(address, title="The loom", body=LONG).status_code == 303
    answer = eve.send_form(address, title="Looms", body="Mine", seen=seen)
    assert answer.status_code == 409
    said = text_of(answer.text)
    assert "This chapter has changed since you opened it." in said
    assert "Save again to replace what is saved." in said
    assert "Title The loom" in _saved_now(answer)
    assert LONG.strip() in unescape(answer.text).partition("readonly>")[2]
    assert 'value="Looms"' in answer.text
    assert ">\r\nMine</textarea>" in answer.text
    assert sql("SELECT title, body FROM chapters") == [("The loom", LONG.strip())]
    again = eve.send_form(address, title="Looms", body="Mine", seen=_seen(answer))
    assert again.status_code == 303
    assert sql("SELECT title, body FROM chapters") == [("Looms", "Mine")]


def test_what_only_the_other_has_changed_is_taken_over_even_where_something_else_is_refused(
    admin: Browser, eve: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/{act(a_chapter, course, 'Loom', 'Old')}"
    seen = _seen(eve.get(address))
    admin.send_form(address, title="The loom", body="Hers")
    answer = eve.send_form(address, title="Loom", body="Mine", seen=seen)
    assert answer.status_code == 409
    assert "The loom" not in _saved_now(answer)
    assert 'value="The loom"' in answer.text
    eve.send_form(address, title="The loom", body="Mine", seen=_seen(answer))
    assert sql("SELECT title, body FROM chapters") == [("The loom", "Mine")]


def test_ones_own_other_tab_is_told_of_too_and_the_same_press_again_is_no_trouble(
    admin: Browser, act: Act
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/{act(a_chapter, course, 'Loom', 'Old')}"
    seen = _seen(admin.get(address))
    for _ in range(2):
        assert admin.send_form(address, title="Loom", body="New", seen=seen).status_code == 303
    answer = admin.send_form(address, title="Loom", body="Newer", seen=seen)
    assert answer.status_code == 409
    assert "This chapter has changed since you opened it." in answer.text


def test_a_preview_and_a_mistake_do_not_forget_what_was_seen(
    admin: Browser, eve: Browser, act: Act
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/{act(a_chapter, course, 'Loom', 'Old')}"
    seen = _seen(eve.get(address))
    admin.send_form(address, title="Loom", body="Hers")
    previewed = eve.send_form(address, title="Loom", body="Mine", seen=seen, preview="1")
    assert _seen(previewed) == seen
    assert _seen(eve.send_form(address, title="", body="Mine", seen=seen)) == seen


def test_of_two_at_a_course_the_later_is_told_in_words(
    admin: Browser, eve: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Botany", status="published", is_public=True)
    address = f"/admin/courses/{course}"
    seen = _seen(eve.get(address))
    sold = {"entry": "buy", "price": "49", "description": LONG, "teacher": "Kim"}
    assert send(admin, address, b"", **sold).status_code == 303
    typed = {"capacity": "7", "description": "Plants", "title": "Plants"}
    answer = send(eve, address, a_picture(), "leaf.png", seen=seen, **typed)
    assert answer.status_code == 409
    assert "This course has changed since you opened it." in text_of(answer.text)
    told = _saved_now(answer)
    assert "How students get in Buy" in told
    assert "Price €49.00" in told
    assert "Capacity no limit" in told
    assert f"Description ({len(LONG.strip())} characters)" in told
    assert "Teacher" not in told
    for held in ('value="Plants"', 'value="Kim"', 'value="7"'):
        assert held in answer.text
    assert kept(answer.text)
    assert sql("SELECT title, price_cents, capacity FROM courses") == [("Botany", 4900, None)]
    typed |= {"teacher": "Kim", "picture_kept": kept(answer.text)}
    assert send(eve, address, b"", "", seen=_seen(answer), **typed).status_code == 303
    row = sql("SELECT title, price_cents, capacity, description, teacher FROM courses")
    assert row == [("Plants", 0, 7, "Plants", "Kim")]
    assert len(sql("SELECT id FROM course_files")) == 1


def test_a_stale_form_neither_ends_open_access_nor_asks_about_it(
    admin: Browser, eve: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Botany", status="published", is_public=True)
    act(a_student)
    address = f"/admin/courses/{course}"
    seen = _seen(eve.get(address))
    assert send(admin, address, entry="everybody").status_code == 303
    assert send(eve, address, seen=seen, title="Plants").status_code == 303
    assert [
        (title, bool(flag)) for title, flag in sql("SELECT title, is_default_unlocked FROM courses")
    ] == [("Plants", True)]


def test_the_question_between_carries_what_was_seen(admin: Browser, act: Act) -> None:
    course = act(a_course_open_to_all)
    act(a_student)
    address = f"/admin/courses/{course}"
    seen = _seen(admin.get(address))
    asked = send(admin, address, seen=seen, title="Botany", entry="ask", status="active")
    assert "End access" in asked.text
    assert _seen(asked) == seen


def test_of_two_at_a_file_the_later_is_told(
    admin: Browser, eve: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/files/{act(a_file, course, 'cell.png')}"
    seen = _seen(eve.get(address))
    assert admin.send_form(address, name="cell.png", alt="A cell").status_code == 303
    answer = eve.send_form(address, name="leaf.png", alt="A leaf", seen=seen)
    assert answer.status_code == 409
    assert "This file has changed since you opened it." in text_of(answer.text)
    assert "What the picture shows A cell" in _saved_now(answer)
    assert "A leaf</textarea>" in answer.text
    again = eve.send_form(address, name="leaf.png", alt="A leaf", seen=_seen(answer))
    assert again.status_code == 303
    assert sql("SELECT name, alt FROM course_files") == [("leaf.png", "A leaf")]


def test_captions_say_whose_they_are_by_now(admin: Browser, act: Act) -> None:
    course = act(a_course)
    film = act(a_file, course, "loom.mp4", b"f", kind="video", media_type="video/mp4")
    captions = act(a_file, course, "en.vtt", b"v", kind="captions", media_type="text/vtt")
    address = f"/admin/courses/{course}/files/{captions}"
    seen = _seen(admin.get(address))
    act(enrollment.edit_file, course, captions, name="en.vtt", captions_of=film, by=None)
    typed = {"name": "en.vtt", "captions_of": "0", "language": "en"}
    assert admin.send_form(address, seen=seen, **typed).status_code == 303
    seen = _seen(admin.get(address))
    about = {"name": "en.vtt", "captions_of": film, "language": "de"}
    act(enrollment.edit_file, course, captions, **about, by=None)
    typed |= {"captions_of": "0", "language": "fr"}
    answer = admin.send_form(address, seen=seen, **typed)
    assert answer.status_code == 409
    assert "This file has changed since you opened it." in answer.text
    assert "Language de" in _saved_now(answer)


def test_a_form_sent_after_the_sign_in_has_ended_still_knows_what_it_showed(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    chapter = act(a_chapter, course, "Loom", "Old")
    address = f"/admin/courses/{course}/chapters/{chapter}"
    fields = {"csrf_token": admin.csrf_token(), "seen": _seen(admin.get(address))}
    fields |= {"title": "Loom", "body": "Mine"}
    act(enrollment.edit_chapter, chapter, title="Loom", body="Hers", by=None)
    with at(now() + IDLE["admin"] + timedelta(seconds=1)):
        late = admin.post(address, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        back = admin.send_form(late.location, email="ada@example.org", password=PASSWORD)
        page = admin.get(str(back.location)).text
        sent = {
            name: unescape(value)
            for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        }
        assert sent["seen"] == fields["seen"]
        answer = admin.post(address, data=sent)
    assert answer.status_code == 409
    assert sql("SELECT body FROM chapters") == [("Hers",)]


def test_the_trail_says_what_of_a_chapter_was_changed(admin: Browser, act: Act) -> None:
    course = act(a_course)
    chapter = act(a_chapter, course, "Loom", LONG)
    by = admin.user_id
    act(enrollment.edit_chapter, chapter, title="Looms", body="Short", by=by)
    page = admin.get("/admin/audit").text
    said = text_of(page)
    assert "Title: Loom → Looms. Text changed (600 → 5 characters). Chapter: Loom" in said
    assert LONG[:30] not in page


def test_forms_that_were_opened_before_or_elsewhere_overwrite_as_ever(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course, "Botany")
    for title in ("First", "Second"):
        assert send(admin, f"/admin/courses/{course}", title=title).status_code == 303
    assert sql("SELECT title FROM courses") == [("Second",)]
