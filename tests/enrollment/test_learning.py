"""Completing and reopening chapters, and the progress that follows."""

from datetime import datetime

import pytest

from lms import enrollment
from lms.refusals import ChapterNotFound, NotEnrolled, StudentNotFound
from tests.builders import a_chapter, a_course, a_public_course, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail


def chapters_of(sql: Sql, course: int) -> list[int]:
    rows = sql("SELECT id FROM chapters WHERE course_id = :id ORDER BY position, id", id=course)
    return [row.id for row in rows]


def a_learner(chapters: int, sql: Sql) -> tuple[int, int, list[int]]:
    """A student in a public course; its chapters in order."""
    student, course = a_student(), a_public_course(chapters=chapters)
    enrollment.enroll_directly(student, course)
    return student, course, chapters_of(sql, course)


def test_completing_a_chapter_counts_it_and_moves_both_progress_values(
    sql: Sql, touches: Touches
) -> None:
    student, course, [first, *_] = a_learner(3, sql)

    with touches("progress", students=[student]):
        result = enrollment.complete_chapter(student, first)

    assert (result.course_id, result.chapter_id) == (course, first)
    assert (result.progress, result.completed_chapters, result.total_chapters) == (33, 1, 3)
    assert sql("SELECT progress, completed_at FROM enrollments") == [(33, None)]
    [mirror] = sql("SELECT total_progress, last_activity_at FROM student_progress")
    assert mirror.total_progress == 33
    assert mirror.last_activity_at is not None


def test_completing_twice_counts_once(sql: Sql, touches: Touches) -> None:
    student, _, [first, *_] = a_learner(2, sql)
    enrollment.complete_chapter(student, first)
    before = sql("SELECT completed_at FROM chapter_completions")
    with touches():
        result = enrollment.complete_chapter(student, first)
    assert (result.progress, result.completed_chapters) == (50, 1)
    assert sql("SELECT completed_at FROM chapter_completions") == before


@pytest.mark.parametrize(
    ("chapters", "shares"), [(1, [100]), (3, [33, 66, 100]), (7, [14, 28, 42])]
)
def test_progress_is_rounded_down_and_100_only_when_all_are_done(
    sql: Sql, chapters: int, shares: list[int]
) -> None:
    student, _, ids = a_learner(chapters, sql)
    assert [
        enrollment.complete_chapter(student, id).progress for id in ids[: len(shares)]
    ] == shares


def test_199_of_200_chapters_are_not_100_percent(sql: Sql) -> None:
    student, _, ids = a_learner(1, sql)
    sql(
        "UPDATE enrollments SET progress = 0",
        *[f"INSERT INTO chapters (course_id, title) VALUES (1, '{n}')" for n in range(199)],
        f"INSERT INTO chapter_completions (student_id, chapter_id) "
        f"SELECT {student}, id FROM chapters WHERE id > {ids[0]} + 1",
    )
    assert enrollment.complete_chapter(student, ids[0]).progress == 99


def test_the_last_chapter_completes_the_course(sql: Sql) -> None:
    student, _, ids = a_learner(2, sql)
    for chapter in ids:
        enrollment.complete_chapter(student, chapter)
    [(completed_at,)] = sql("SELECT completed_at FROM enrollments")
    [(last,)] = sql("SELECT max(completed_at) FROM chapter_completions")
    assert completed_at == last


def test_reopening_takes_the_completion_and_the_progress_back(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, [only] = a_learner(1, sql)
    enrollment.complete_chapter(student, only)
    trail()

    with touches("progress", students=[student]):
        result = enrollment.reopen_chapter(student, only)

    assert (result.progress, result.completed_chapters, result.total_chapters) == (0, 0, 1)
    assert sql("SELECT progress, completed_at FROM enrollments") == [(0, None)]
    assert sql("SELECT id FROM chapter_completions") == []
    [entry] = trail()
    assert (entry.action, entry.student_id, entry.course_id, entry.details) == (
        "chapter.reopened",
        student,
        course,
        {"chapter_id": only},
    )


def test_reopening_what_is_open_changes_nothing(trail: Trail, touches: Touches, sql: Sql) -> None:
    student, _, [only] = a_learner(1, sql)
    trail()
    with touches():
        assert enrollment.reopen_chapter(student, only).progress == 0
    assert trail() == []


@pytest.mark.parametrize("verb", [enrollment.complete_chapter, enrollment.reopen_chapter])
def test_only_enrolled_students_learn(refuses: Refuses, verb: object) -> None:
    assert callable(verb)
    student, course, admin = a_student(), a_course(), an_admin()
    chapter = a_chapter(course)
    with refuses(NotEnrolled):
        verb(student, chapter)
    with refuses(ChapterNotFound):
        verb(student, 999)
    with refuses(StudentNotFound):
        verb(999, chapter)
    with refuses(StudentNotFound):
        verb(admin, chapter)


def test_students_do_not_share_progress(sql: Sql) -> None:
    student, course, ids = a_learner(2, sql)
    other = a_student("Bob")
    enrollment.enroll_directly(other, course)
    enrollment.complete_chapter(student, ids[0])
    assert dict(map(tuple, sql("SELECT user_id, progress FROM enrollments"))) == {
        student: 50,
        other: 0,
    }


def test_chapters_of_another_course_do_not_count(sql: Sql) -> None:
    student, _, [only] = a_learner(1, sql)
    other = a_public_course("Chemistry", chapters=1)
    enrollment.enroll_directly(student, other)
    assert enrollment.complete_chapter(student, only).progress == 100
    assert sql("SELECT progress FROM enrollments WHERE course_id = :id", id=other) == [(0,)]


def test_an_archived_course_can_still_be_completed(sql: Sql) -> None:
    student, course, [only] = a_learner(1, sql)
    enrollment.archive_course(course, by=an_admin())
    assert enrollment.complete_chapter(student, only).progress == 100


def test_a_new_chapter_lowers_progress_and_takes_the_completion_date(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, [only] = a_learner(1, sql)
    enrollment.complete_chapter(student, only)
    trail()
    with touches("catalogue", "progress"):
        added = enrollment.add_chapter(course, title="More", body="", by=None)
    assert sql("SELECT progress, completed_at FROM enrollments") == [(50, None)]
    assert sql("SELECT total_progress FROM student_progress") == [(50,)]
    [entry] = trail()
    assert (entry.action, entry.details) == ("chapter.added", {"chapter_id": added})


def test_deleting_the_open_chapter_completes_the_course_since_the_last_completion(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, [first, second] = a_learner(2, sql)
    enrollment.complete_chapter(student, first)
    admin = an_admin()
    trail()
    with touches("catalogue", "progress"):
        enrollment.delete_chapter(second, by=admin)
    [(progress, completed_at)] = sql("SELECT progress, completed_at FROM enrollments")
    assert progress == 100
    assert [(completed_at,)] == sql("SELECT completed_at FROM chapter_completions")
    entries = {each.action: each for each in trail()}
    assert entries.keys() == {"chapter.deleted", "certificate.issued"}
    entry = entries["chapter.deleted"]
    assert (entry.action, entry.actor_id, entry.course_id) == ("chapter.deleted", admin, course)
    assert entry.details["chapter_id"] == second
    assert entry.details["completions"] == 0


def test_deleting_a_chapter_takes_its_completions_and_share_along(sql: Sql) -> None:
    student, _, [first, second] = a_learner(2, sql)
    enrollment.complete_chapter(student, first)
    enrollment.delete_chapter(first, by=None)
    assert sql("SELECT progress, completed_at FROM enrollments") == [(0, None)]
    assert sql("SELECT id FROM chapter_completions") == []
    enrollment.delete_chapter(second, by=None)
    assert sql("SELECT progress, completed_at FROM enrollments") == [(0, None)]


def test_deleting_a_chapter_of_a_completed_course_keeps_its_date(sql: Sql) -> None:
    student, _, ids = a_learner(2, sql)
    for chapter in ids:
        enrollment.complete_chapter(student, chapter)
    before = sql("SELECT completed_at FROM enrollments")
    enrollment.delete_chapter(ids[1], by=None)
    assert sql("SELECT progress FROM enrollments") == [(100,)]
    assert sql("SELECT completed_at FROM enrollments") == before


def test_times_are_stored_so_that_both_engines_sort_them(sql: Sql) -> None:
    student, _, ids = a_learner(2, sql)
    for chapter in ids:
        enrollment.complete_chapter(student, chapter)
    times = [row[0] for row in sql("SELECT completed_at FROM chapter_completions ORDER BY id")]
    assert times == sorted(times)
    for time in times:
        assert isinstance(time, datetime) or len(time) == len("2026-01-01 00:00:00.000000")
