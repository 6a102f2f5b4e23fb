import re
from collections.abc import Iterable

import pytest

from lms.demo.content import DemoCourse, MalformedCourseError, courses, parse_course

VISIBLE = {"published", "active"}

FRONT_MATTER = """+++
title = "Knots"
description = "Four knots for life."
status = "published"
is_public = true
is_default_unlocked = false
price_cents = 0
currency = "eur"
+++
"""


def test_every_kind_of_access_is_there() -> None:
    visible = [course for course in courses() if course.status in VISIBLE]
    free = [course for course in visible if course.price_cents == 0]
    priced = [course for course in visible if course.price_cents > 0]

    assert some(course.is_default_unlocked for course in visible)
    assert some((c.is_public and not c.is_default_unlocked for c in free), at_least=2)
    assert some((not c.is_public and c.capacity is None for c in free), at_least=2)
    assert some(course.is_public and course.currency == "eur" for course in priced)
    assert some(course.currency == "jpy" for course in priced)
    assert some(not course.is_public for course in priced)
    assert some(course.capacity == 12 for course in visible)


def test_every_status_is_there() -> None:
    assert {course.status for course in courses()} == {"draft", "published", "active", "archived"}


def test_courses_open_to_everyone_have_no_capacity() -> None:
    open_to_everyone = [
        course
        for course in courses()
        if course.is_default_unlocked or (course.is_public and course.price_cents == 0)
    ]
    assert [course.slug for course in open_to_everyone if course.capacity is not None] == []


def test_front_matter_has_the_types_of_the_courses_table() -> None:
    for course in courses():
        assert isinstance(course.is_public, bool), course.slug
        assert isinstance(course.is_default_unlocked, bool), course.slug
        assert type(course.price_cents) is int, course.slug
        assert course.price_cents >= 0, course.slug
        assert re.fullmatch(r"[a-z]{3}", course.currency), course.slug
        assert course.capacity is None or course.capacity > 0, course.slug


def test_titles_are_unique() -> None:
    all_courses = courses()
    assert_unique(course.title for course in all_courses)
    for course in all_courses:
        assert_unique(chapter.title for chapter in course.chapters)


def test_every_course_has_four_to_nine_chapters() -> None:
    assert {c.slug: len(c.chapters) for c in courses() if not 4 <= len(c.chapters) <= 9} == {}


def test_every_chapter_is_a_few_minutes_of_reading() -> None:
    lengths = {
        (course.slug, chapter.title): len(re.findall(r"[^\W\d_]+(?:['-]\w+)*", chapter.body))
        for course in courses()
        for chapter in course.chapters
    }
    assert {place: words for place, words in lengths.items() if not 120 <= words <= 450} == {}


def test_chapters_stand_on_their_own_without_other_hosts() -> None:
    for course in courses():
        for chapter in course.chapters:
            assert not re.search(r"\]\(|://|lorem ipsum", chapter.body, re.IGNORECASE), chapter


def test_chapter_headings_start_below_the_chapter_title() -> None:
    for course in courses():
        for chapter in course.chapters:
            prose = re.sub(r"^```.*?^```", "", chapter.body, flags=re.DOTALL | re.MULTILINE)
            assert not re.search(r"^# ", prose, re.MULTILINE), chapter.title
            assert prose.count("```") == 0, f"{chapter.title}: a code block is not closed"


def test_a_comment_in_a_code_block_starts_no_chapter() -> None:
    course = parse_course(
        "knots", f"{FRONT_MATTER}\n# Bowline\n\n```sh\n# tie it\n```\n\n# Hitch\n"
    )
    assert [chapter.title for chapter in course.chapters] == ["Bowline", "Hitch"]
    assert course.chapters[0].body == "```sh\n# tie it\n```"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Bowline\n", "does not start with TOML"),
        (FRONT_MATTER, "no chapter"),
        (f"{FRONT_MATTER}Once upon a time\n# Bowline\n", "text before the first chapter"),
        (FRONT_MATTER.replace("is_public", "public") + "# Bowline\n", "'public'"),
        (FRONT_MATTER.replace("= 0", "= free") + "# Bowline\n", "Invalid value"),
    ],
)
def test_a_malformed_file_is_named_with_its_fault(text: str, reason: str) -> None:
    with pytest.raises(MalformedCourseError, match=rf"knots\.md: .*{reason}"):
        parse_course("knots", text)


def test_courses_compare_equal_however_often_they_are_read() -> None:
    first: tuple[DemoCourse, ...] = courses()
    assert first == courses()
    assert len(first) >= 9


def some(facts: Iterable[bool], at_least: int = 1) -> bool:
    return sum(facts) >= at_least


def assert_unique(titles: Iterable[str]) -> None:
    seen = sorted(titles)
    assert seen == sorted(set(seen))
