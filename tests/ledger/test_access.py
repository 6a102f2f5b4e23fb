"""What the ledger of access promises to verbs, imports and repairs alike."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from lms import enrollment
from lms.ledger.access import Past, end_access, let_in
from lms.ledger.rows import Pair
from lms.ledger.sources import Source
from lms.transaction import transactional, without_references
from tests.builders import a_chapter, a_course, a_student
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


@transactional
def seat(session: Session, pairs: list[Pair]) -> set[Pair]:
    sources = [Source(*pair, "import") for pair in pairs]
    admission = let_in(session, sources, by=None, while_seats_last=True)
    return set(admission.enrolled)


def test_seats_go_to_whoever_stands_first_in_the_list() -> None:
    small, large = a_course(capacity=2), a_course()
    students = [a_student() for _ in range(4)]
    in_turn = [(student, small) for student in reversed(students)]
    assert seat([*in_turn, (students[0], large)]) == {*in_turn[:2], (students[0], large)}


def test_who_is_enrolled_already_takes_no_further_seat() -> None:
    course = a_course(capacity=2)
    first, second = a_student(), a_student()
    assert seat([(first, course)]) == {(first, course)}
    assert seat([(first, course), (second, course)]) == {(second, course)}


def test_an_old_school_s_dates_are_kept(sql: Sql) -> None:
    pair = a_student(), a_course()
    then, later = datetime(2019, 5, 1, tzinfo=UTC), datetime(2020, 6, 2, tzinfo=UTC)
    past = {pair: Past(enrolled_at=then, last_activity_at=later)}
    transactional(let_in)([Source(*pair, "import")], by=None, past=past)
    [enrollment] = sql("SELECT enrolled_at FROM enrollments")
    [mirror] = sql("SELECT last_activity_at FROM student_progress")
    assert str(enrollment.enrolled_at).startswith("2019-05-01 00:00:00")
    assert str(mirror.last_activity_at).startswith("2020-06-02 00:00:00")


def test_who_has_learned_since_an_old_school_was_last_active_here(sql: Sql) -> None:
    student, course = a_student(), a_course()
    chapter = a_chapter(course)
    transactional(let_in)([Source(student, course, "direct")], by=None)
    enrollment.complete_chapter(student, chapter)
    enrollment.leave(student, course)
    [completion] = sql("SELECT completed_at FROM chapter_completions")
    past = Past(last_activity_at=datetime(2020, 6, 2, tzinfo=UTC))
    source = Source(student, course, "import")
    transactional(let_in)([source], by=None, past={source.pair: past})
    [mirror] = sql("SELECT last_activity_at FROM student_progress")
    assert mirror.last_activity_at == completion.completed_at


def test_of_several_sources_the_first_has_enrolled_the_student(sql: Sql) -> None:
    pair = a_student(), a_course()
    transactional(let_in)([Source(*pair, "direct"), Source(*pair, "admin")], by=None)
    entries = sql("SELECT details FROM audit_entries WHERE action = 'access.granted' ORDER BY id")
    assert ["true" in str(entry.details).lower() for entry in entries] == [True, False]


def test_an_access_that_ends_takes_its_mirror_along_where_no_key_does(sql: Sql) -> None:
    pair = a_student(), a_course()
    transactional(let_in)([Source(*pair, "direct")], by=None)
    with without_references():
        transactional(end_access)([pair], by=None)
    assert sql("SELECT * FROM student_progress") == []
