"""Two who change the same chapter, course or file: nothing is overwritten unseen."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from lms import enrollment
from lms.db import db
from lms.enrollment import CourseFields
from lms.enrollment.seen import merged, of_chapter, of_course, of_file, seen_of
from lms.models import Chapter, Course, CourseFile
from lms.refusals import ContentChanged
from tests.builders import a_chapter, a_course, a_file, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Trail

FREE = CourseFields(title="Algebra", status="published")


def _shown(model: Any, values: Any, row_id: int) -> str:
    """Return what a page that is opened now would have seen."""
    row = db.session.scalars(select(model).where(model.id == row_id)).one()
    db.session.rollback()
    return seen_of(values(row))


def test_the_later_of_two_is_told_and_what_the_first_saved_stays(
    sql: Sql, refuses: Refuses
) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    seen = _shown(Chapter, of_chapter, chapter)
    enrollment.edit_chapter(chapter, title="Sets", body="First", seen=seen, by=None)
    with refuses(ContentChanged, differing=("body",), untouched=("title",)) as refused:
        enrollment.edit_chapter(chapter, title="Sets", body="Second", seen=seen, by=None)
    assert refused.value.now == {"title": "Sets", "body": "First"}
    again = seen_of(refused.value.now)
    enrollment.edit_chapter(chapter, title="Sets", body="Second", seen=again, by=None)
    assert sql("SELECT title, body FROM chapters") == [("Sets", "Second")]


def test_the_same_press_again_and_the_same_wish_are_not_refused(sql: Sql, trail: Trail) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    seen = _shown(Chapter, of_chapter, chapter)
    trail()
    for _ in range(2):
        enrollment.edit_chapter(chapter, title="Sets", body="New", seen=seen, by=None)
    assert [entry.action for entry in trail()] == ["chapter.edited"]
    enrollment.edit_chapter(chapter, title="Sets", body="Newest", by=None)
    with pytest.raises(ContentChanged):
        enrollment.edit_chapter(chapter, title="Sets", body="New", seen=seen, by=None)


def test_who_changes_something_else_undoes_nothing(sql: Sql) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    seen = _shown(Chapter, of_chapter, chapter)
    enrollment.edit_chapter(chapter, title="Groups", body="Old", seen=seen, by=None)
    enrollment.edit_chapter(chapter, title="Sets", body="New", seen=seen, by=None)
    assert sql("SELECT title, body FROM chapters") == [("Groups", "New")]


def test_a_call_that_has_seen_nothing_overwrites_as_before(sql: Sql) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    for body in ("First", "Second"):
        enrollment.edit_chapter(chapter, title="Sets", body=body, by=None)
    assert sql("SELECT body FROM chapters") == [("Second",)]


@pytest.mark.parametrize("seen", ["", "x", "title-", "title.body", "é" * 9_000])
def test_what_no_page_has_shown_overwrites_nothing(refuses: Refuses, seen: str) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    with refuses(ContentChanged, differing=("body",)):
        enrollment.edit_chapter(chapter, title="Sets", body="New", seen=seen, by=None)


def test_what_a_browser_makes_of_a_text_is_no_change_of_it() -> None:
    saved = {"body": "One\r\ntwo \n"}
    assert merged(saved, {"body": "One\ntwo"}, seen_of(saved)) == saved


def test_of_a_course_each_keeps_what_only_they_have_changed(sql: Sql) -> None:
    course = a_course("Algebra", status="published")
    seen = _shown(Course, of_course, course)
    sold = replace(FREE, price_cents=900, is_public=True)
    enrollment.edit_course(course, sold, seen=seen, by=None)
    told = replace(FREE, description="Sets.", status="active")
    enrollment.edit_course(course, told, seen=seen, by=None)
    row = sql("SELECT price_cents, is_public, description, status FROM courses")[0]
    assert (row.price_cents, bool(row.is_public)) == (900, True)
    assert (row.description, row.status) == ("Sets.", "active")


def test_how_students_get_in_is_one_thing(refuses: Refuses) -> None:
    course = a_course("Algebra", status="published")
    seen = _shown(Course, of_course, course)
    enrollment.edit_course(course, replace(FREE, price_cents=4_900), seen=seen, by=None)
    dollars = replace(FREE, currency="usd", description="Sets.")
    with refuses(ContentChanged, differing=("price_cents", "currency")) as refused:
        enrollment.edit_course(course, dollars, seen=seen, by=None)
    assert "description" not in refused.value.untouched
    assert "title" in refused.value.untouched


def test_of_a_file_the_later_is_told(refuses: Refuses, sql: Sql) -> None:
    course = a_course()
    file = a_file(course, "cell.png")
    seen = _shown(CourseFile, of_file, file)
    enrollment.edit_file(course, file, name="leaf.png", alt="A leaf", seen=seen, by=None)
    with refuses(ContentChanged, differing=("alt",), untouched=("name",)):
        enrollment.edit_file(course, file, name="cell.png", alt="A cell", seen=seen, by=None)
    assert sql("SELECT name, alt FROM course_files") == [("leaf.png", "A leaf")]


def test_the_trail_says_what_of_a_chapter_was_changed(trail: Trail) -> None:
    admin = an_admin()
    chapter = a_chapter(a_course(), "Sets", "")
    trail()
    enrollment.edit_chapter(chapter, title="Sets", body="Old", by=admin)
    enrollment.edit_chapter(chapter, title="Groups", body="Old", by=admin)
    enrollment.edit_chapter(chapter, title="Groups", body="Longer", by=admin)
    about = {"chapter_id": chapter}
    assert [entry.details for entry in trail()] == [
        {**about, "title": "Sets", "changes": {"body": [0, 3]}},
        {**about, "title": "Sets", "changes": {"title": ["Sets", "Groups"]}},
        {**about, "title": "Groups", "changes": {"body": [3, 6]}},
    ]
