"""What students are told of courses, their learning, requests and payments."""

from dataclasses import asdict

import pytest
from flask import Flask

from lms import enrollment
from lms.db import db
from lms.queries import student as queries
from lms.queries.admin import students
from lms.queries.student import CATALOGUE_FILTERS, CatalogueFilter
from lms.refusals import CourseNotFound
from tests.builders import (
    a_chapter,
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.sync.damage import damaging

pytestmark = pytest.mark.usefixtures("context")


def chapters_of(course_id: int, student_id: int) -> list[int]:
    return [chapter.id for chapter in queries.course(student_id, course_id).chapters]


def titles(student_id: int, q: str = "", show: CatalogueFilter = "all") -> list[str]:
    found = queries.courses(student_id, q, show)
    assert queries.course_count(student_id, q, show) == len(found)
    return [course.title for course in found]


def test_the_catalogue_lists_visible_courses_by_title() -> None:
    for title, status in [
        ("Cooking", "published"),
        ("Algebra", "active"),
        ("Draft", "draft"),
        ("Old", "archived"),
    ]:
        a_course(title, status=status)
    assert titles(a_student()) == ["Algebra", "Cooking"]


def test_a_card_tells_all_that_the_course_is() -> None:
    course_id = a_course(
        "Music",
        chapters=3,
        description="Notes",
        is_public=True,
        price_cents=2800,
        currency="jpy",
        capacity=7,
    )
    student_id = a_student()
    assert asdict(queries.courses(student_id)[0]) == {
        "id": course_id,
        "title": "Music",
        "description": "Notes",
        "teacher": "",
        "duration": "",
        "status": "published",
        "is_public": True,
        "is_default_unlocked": False,
        "price_cents": 2800,
        "currency": "jpy",
        "allows_promotion_codes": False,
        "requires_approval": False,
        "code": None,
        "chapter_count": 3,
        "is_enrolled": False,
        "has_pending_request": False,
        "has_approved_request": False,
        "progress": 0,
        "pending_request_id": None,
        "capacity": 7,
        "seats_taken": 0,
        "offer_id": None,
        "offer_expires_at": None,
        "offer_price_cents": None,
        "offer_currency": None,
        "seat_since": None,
        "place_in_line": None,
        "picture_id": None,
        "picture_name": None,
        "picture_width": None,
        "picture_height": None,
        "unsettled": None,
    }


def test_an_enrolled_course_that_is_closed_stays_among_mine_alone() -> None:
    student_id, other = a_student(), a_student()
    course_id = a_public_course()
    enrollment.enroll_directly(student_id, course_id)
    enrollment.archive_course(course_id, by=None)
    assert titles(student_id) == []
    assert titles(student_id, show="mine") == ["Botany"]
    assert queries.course(student_id, course_id).card.is_enrolled
    assert titles(other) == []
    with pytest.raises(CourseNotFound):
        queries.course(other, course_id)


def test_the_main_action_follows_how_the_student_stands() -> None:
    student_id, admin_id = a_student(), an_admin()
    asked = a_course("Asked")
    free, priced, closed = a_public_course("Free"), a_course("Priced", price_cents=100), a_course()
    full = a_public_course("Full", capacity=0)
    mine = a_course("Mine", price_cents=100)
    a_request(student_id, asked)
    enrollment.enroll(student_id, mine, by=admin_id)
    actions = {course.id: course.main_action for course in queries.courses(student_id)}
    assert actions == {
        asked: "cancel",
        free: "enroll",
        priced: "buy",
        closed: "request",
        full: "request",
        mine: "continue",
    }


def test_a_priced_public_course_is_bought() -> None:
    a_public_course(price_cents=100)
    assert queries.courses(a_student())[0].main_action == "buy"


def test_seats_left_count_everybody_where_seats_are_limited() -> None:
    limited, unlimited = a_public_course("A", capacity=2), a_public_course("B")
    student_id = a_student()
    for left in (2, 1, 0):
        found = {card.id: card.seats_left for card in queries.courses(student_id)}
        assert found == {limited: left, unlimited: None}
        if left:
            enrollment.enroll_directly(a_student(), limited)


def test_has_approved_request_means_access_by_an_approval() -> None:
    student_id, admin_id = a_student(), an_admin()
    approved, joined, rejected = a_course("A"), a_public_course("B"), a_course("C")
    enrollment.approve(a_request(student_id, approved), by=admin_id)
    enrollment.enroll_directly(student_id, joined)
    enrollment.reject(a_request(student_id, rejected), by=admin_id)
    found = {course.id: course for course in queries.courses(student_id)}
    assert found[approved].has_approved_request
    assert found[approved].is_enrolled
    assert not found[joined].has_approved_request
    assert not found[rejected].has_approved_request
    enrollment.unenroll(student_id, approved, by=admin_id)
    again = next(card for card in queries.courses(student_id) if card.id == approved)
    assert not again.has_approved_request


def test_nothing_of_other_students_shows() -> None:
    student_id, other, admin_id = a_student(), a_student(), an_admin()
    first, second = a_course("A", chapters=1), a_course("B", chapters=1)
    enrollment.approve(a_request(other, first), by=admin_id)
    enrollment.complete_chapter(other, chapters_of(first, other)[0])
    a_request(other, second)
    for card in queries.courses(student_id):
        assert (card.is_enrolled, card.has_pending_request, card.progress) == (False, False, 0)
        assert not card.has_approved_request
        assert card.pending_request_id is None
    assert queries.enrolled_courses(student_id) == []
    assert queries.progress_details(student_id) == []
    assert queries.requests(student_id) == []
    assert queries.stats(student_id) == queries.StudentStats(
        enrolled_courses=0,
        completed_courses=0,
        in_progress_courses=0,
        pending_requests=0,
        completed_chapters=0,
        average_progress=0,
    )


def test_filters_split_the_catalogue() -> None:
    student_id = a_student()
    mine, asked = a_public_course("Mine"), a_course("Asked")
    a_course("Priced", price_cents=500)
    enrollment.enroll_directly(student_id, mine)
    a_request(student_id, asked)
    shown = {show: titles(student_id, show=show) for show in CATALOGUE_FILTERS}
    assert shown == {
        "all": ["Asked", "Mine", "Priced"],
        "mine": ["Mine"],
        "requested": ["Asked"],
        "new": ["Priced"],
        "free": ["Asked", "Mine"],
    }


def test_search_finds_each_word_in_title_or_description() -> None:
    a_course("Bread", description="Flour and 100% patience")
    a_course("Bicycles", description="Oil")
    student_id = a_student()
    assert titles(student_id, "BREAD flour") == ["Bread"]
    assert titles(student_id, "bread oil") == []
    assert titles(student_id, "100%") == ["Bread"]
    assert titles(student_id, "%") == ["Bread"]
    assert titles(student_id, "_") == []
    assert titles(student_id, "'; --") == []


def test_the_catalogue_comes_in_pages() -> None:
    for number in range(52):
        a_course(f"Course {number:02}")
    student_id = a_student()
    assert len(queries.courses(student_id)) == 52
    assert len(queries.courses(student_id, page=1)) == 50
    assert [card.title for card in queries.courses(student_id, page=2)] == [
        "Course 50",
        "Course 51",
    ]


def test_enrolled_courses_start_with_the_one_worked_on_last() -> None:
    student_id = a_student()
    first, second = a_public_course("A", chapters=2), a_public_course("B", chapters=1)
    enrollment.enroll_directly(student_id, first)
    enrollment.enroll_directly(student_id, second)
    assert [each.id for each in queries.enrolled_courses(student_id)] == [second, first]
    one, two = chapters_of(first, student_id)
    enrollment.complete_chapter(student_id, one)
    latest = queries.enrolled_courses(student_id)[0]
    assert (latest.id, latest.progress, latest.next_chapter_id) == (first, 50, two)
    assert latest.last_activity_at is not None
    assert latest.completed_at is None


def test_the_next_chapter_is_the_first_unread_one_in_order() -> None:
    student_id = a_student()
    course_id = a_public_course(chapters=3)
    enrollment.enroll_directly(student_id, course_id)
    one, two, three = chapters_of(course_id, student_id)
    enrollment.complete_chapter(student_id, two)
    assert queries.enrolled_courses(student_id)[0].next_chapter_id == one
    for chapter_id in (three, three, two):  # now the last comes first
        enrollment.move_chapter(chapter_id, up=True, by=None)
    assert queries.enrolled_courses(student_id)[0].next_chapter_id == three
    for chapter_id in (one, three):
        enrollment.complete_chapter(student_id, chapter_id)
    done = queries.enrolled_courses(student_id)[0]
    assert (done.next_chapter_id, done.next_chapter_title, done.progress) == (None, None, 100)
    assert done.completed_at is not None


def test_finished_and_unfinished_courses_are_told_apart() -> None:
    student_id = a_student()
    done, begun, empty = (
        a_public_course("A", chapters=1),
        a_public_course("B", chapters=2),
        a_public_course("C"),
    )
    for course_id in (done, begun, empty):
        enrollment.enroll_directly(student_id, course_id)
        for chapter_id in chapters_of(course_id, student_id)[:1]:
            enrollment.complete_chapter(student_id, chapter_id)
    finished = queries.enrolled_courses(student_id, finished=True)
    unfinished = queries.enrolled_courses(student_id, finished=False)
    assert [course.id for course in finished] == [done]
    assert {course.id for course in unfinished} == {begun, empty}
    assert len(queries.enrolled_courses(student_id, finished=False, limit=1)) == 1


def test_progress_details_list_every_chapter_in_order() -> None:
    student_id = a_student()
    course_id = a_public_course(chapters=2)
    a_course_open_to_all("Empty")
    enrollment.enroll_directly(student_id, course_id)
    one, two = chapters_of(course_id, student_id)
    enrollment.complete_chapter(student_id, two)
    enrollment.move_chapter(two, up=True, by=None)
    botany, empty = queries.progress_details(student_id)
    assert (botany.course_id, botany.progress) == (course_id, 50)
    assert (botany.total_chapters, botany.completed_chapters) == (2, 1)
    assert [(chapter.id, chapter.is_completed) for chapter in botany.chapters] == [
        (two, True),
        (one, False),
    ]
    assert botany.chapters[0].completed_at is not None
    assert botany.chapters[1].completed_at is None
    assert (empty.title, empty.chapters, empty.total_chapters) == ("Empty", [], 0)


def test_numbers_agree_everywhere() -> None:
    student_id, admin_id = a_student(), an_admin()
    for number in range(5):
        course_id = a_public_course(f"C{number}", chapters=3)
        enrollment.enroll_directly(student_id, course_id)
        for chapter_id in chapters_of(course_id, student_id)[: number % 4]:
            enrollment.complete_chapter(student_id, chapter_id)
    enrollment.archive_course(course_id, by=admin_id)
    left = a_public_course("Left", chapters=1)
    enrollment.enroll_directly(student_id, left)
    enrollment.complete_chapter(student_id, chapters_of(left, student_id)[0])
    enrollment.unenroll(student_id, left, by=admin_id)
    a_request(student_id, a_course("Asked"))

    stats = queries.stats(student_id)
    details = queries.progress_details(student_id)
    mine = queries.courses(student_id, show="mine")
    enrolled = queries.enrolled_courses(student_id)
    assert stats.enrolled_courses == len(details) == len(mine) == len(enrolled) == 5
    by_id = {course.course_id: course.progress for course in details}
    assert {card.id: card.progress for card in mine} == by_id
    assert {course.id: course.progress for course in enrolled} == by_id
    assert stats.completed_courses == list(by_id.values()).count(100) == 1
    assert stats.in_progress_courses == 4
    assert stats.average_progress == sum(by_id.values()) // 5 == 39
    assert stats.completed_chapters == sum(each.completed_chapters for each in details) == 6
    pending = [each for each in queries.requests(student_id) if each.status == "pending"]
    assert stats.pending_requests == len(pending) == 1


def test_students_and_admins_see_the_same_figures_whatever_a_dump_brought(
    context: Flask, database_url: str
) -> None:
    student_id, admin_id = a_student(), an_admin()
    courses = [a_public_course(f"C{number}", chapters=2) for number in range(3)]
    for course_id in courses:
        enrollment.enroll_directly(student_id, course_id)
        enrollment.complete_chapter(student_id, chapters_of(course_id, student_id)[0])
    enrollment.complete_chapter(student_id, chapters_of(courses[0], student_id)[1])
    other = a_request(a_student("Bob"), a_course("Asked"))
    db.session.rollback()
    db.engine.dispose()
    with damaging(database_url) as damage:  # a request beside an enrollment
        damage.run(
            "UPDATE access_requests SET student_id = ?, course_id = ? WHERE id = ?",
            *(student_id, courses[2], other),
        )

    stats = queries.stats(student_id)
    detail = students.detail(student_id)
    [row] = [row for row in students.students().students if row.id == student_id]
    for seen in (stats, detail.student, row):
        assert (seen.enrolled_courses, seen.completed_courses, seen.pending_requests) == (2, 1, 1)
        assert seen.average_progress == 75
    assert (stats.in_progress_courses, stats.completed_chapters) == (1, 3)
    lists = [
        [each.course_id for each in queries.progress_details(student_id)],
        [each.course_id for each in detail.enrollments],
        sorted(each.id for each in queries.enrolled_courses(student_id)),
    ]
    assert lists == [courses[:2]] * 3
    enrollment.reject(other, by=admin_id)  # the request is over: the enrollment counts
    assert queries.stats(student_id).enrolled_courses == 3


def test_a_chapter_added_later_is_the_next_to_read(context: Flask) -> None:
    student_id, course_id = a_student(), a_public_course(chapters=1)
    enrollment.enroll_directly(student_id, course_id)
    enrollment.complete_chapter(student_id, chapters_of(course_id, student_id)[0])
    assert queries.course(student_id, course_id).next_unread is None
    added = a_chapter(course_id, "More", "**text**")
    page = queries.course(student_id, course_id)
    assert page.next_unread is not None
    assert page.next_unread.id == added
    assert page.card.progress == 50
    assert queries.chapter_body(added) == "**text**"
    assert queries.chapter_body(added + 1) == ""
    assert queries.course_title(course_id) == "Botany"
    assert queries.course_title(course_id + 1) == ""


def test_the_catalog_is_searched_by_the_titles_of_chapters_too() -> None:
    student_id = a_student()
    bread, sky = a_course("Bread", description="Flour"), a_course("Night sky")
    hidden = a_course("Hidden", status="draft")
    for course_id, title in ((bread, "Your own sourdough"), (sky, "Jupiter"), (hidden, "Jupiter")):
        a_chapter(course_id, title)

    def found(q: str) -> list[str]:
        return [card.title for card in queries.courses(student_id, q)]

    assert found("sourdough") == ["Bread"]
    assert found("jupiter") == ["Night sky"]  # and not the draft, which they may not see
    assert found("bread SOURDOUGH flour") == ["Bread"]
    assert found("bread jupiter") == []
    assert queries.course_count(student_id, "jupiter") == 1
