"""Verbs that meet at the same moment, in real processes: one row, one effect, named refusals."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest
from flask import Flask

from lms import enrollment
from lms.enrollment import CourseFields
from lms.enrollment.seen import seen_of
from tests.builders import (
    a_chapter,
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_request,
    a_student,
    an_admin,
)
from tests.conftest import Sql
from tests.faults.profile import BY_DAY
from tests.faults.racers import Outcome, Race, Racers, call, sound_races

N = 20 if BY_DAY else 50
FEW = 20


@pytest.fixture
def race(processes: Racers, context: Flask, database_url: str) -> Iterator[Race]:
    with sound_races(processes, database_url) as race:
        yield race


def counted(outcomes: list[Outcome]) -> dict[str, int]:
    """Count what the calls came to: `done`, or the name of the refusal."""
    return dict(Counter(outcome.refusal or "done" for outcome in outcomes))


def actions(sql: Sql, action: str) -> int:
    """Count the audit entries of an action."""
    rows = sql("SELECT count(*) AS n FROM audit_entries WHERE action = :action", action=action)
    return int(rows[0].n)


def test_one_of_many_identical_requests_waits(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_course()
    outcomes = race([call("request_access", student, course)] * N)
    assert counted(outcomes) == {"done": 1, "RequestPending": N - 1}
    assert len(sql("SELECT id FROM access_requests")) == 1
    assert actions(sql, "request.made") == 1


def test_one_of_many_identical_enrollments_is_new(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_public_course()
    outcomes = race([call("enroll_directly", student, course)] * N)
    assert counted(outcomes) == {"done": N}
    assert sum(outcome.value.is_new for outcome in outcomes) == 1
    assert len(sql("SELECT id FROM enrollments")) == 1
    assert actions(sql, "access.granted") == 1


def test_one_of_many_identical_enrollments_by_an_admin_is_new(race: Race, sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    outcomes = race([call("enroll", student, course, by=admin)] * N)
    assert counted(outcomes) == {"done": N}
    assert sum(outcome.value.is_new for outcome in outcomes) == 1
    assert actions(sql, "access.granted") == 1


def test_a_chapter_completed_many_times_at_once_counts_once(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_public_course(chapters=2)
    enrollment.enroll_directly(student, course)
    [(chapter,), _] = sql("SELECT id FROM chapters ORDER BY id")
    outcomes = race([call("complete_chapter", student, chapter)] * N)
    assert counted(outcomes) == {"done": N}
    assert {outcome.value.progress for outcome in outcomes} == {50}
    assert len(sql("SELECT id FROM chapter_completions")) == 1


def test_all_chapters_of_a_course_completed_at_once_complete_it(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_public_course(chapters=N)
    enrollment.enroll_directly(student, course)
    chapters = [row.id for row in sql("SELECT id FROM chapters")]
    outcomes = race([call("complete_chapter", student, chapter) for chapter in chapters])
    assert counted(outcomes) == {"done": N}
    assert sorted(o.value.progress for o in outcomes) == [n * 100 // N for n in range(1, N + 1)]
    assert sql("SELECT progress FROM enrollments") == [(100,)]


def test_chapters_completed_and_reopened_at_once_add_up(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_public_course(chapters=4)
    enrollment.enroll_directly(student, course)
    chapters = [row.id for row in sql("SELECT id FROM chapters")]
    verbs = ("complete_chapter", "reopen_chapter")
    outcomes = race([call(verbs[n % 2], student, chapters[n // 2 % 4]) for n in range(N)])
    assert counted(outcomes) == {"done": N}


def test_two_admins_who_approve_at_once_enroll_once(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_course()
    admins = an_admin(), an_admin("Edith")
    request = a_request(student, course)
    outcomes = race([call("approve", request, by=admins[n % 2]) for n in range(N)])
    assert counted(outcomes) == {"done": 1, "AlreadyReviewed": N - 1}
    assert len(sql("SELECT id FROM decisions")) == 1
    assert len(sql("SELECT id FROM access_sources")) == 1
    assert actions(sql, "request.approved") == 1
    assert [row.kind for row in sql("SELECT kind FROM notices")] == ["approved"]
    assert len(sql("SELECT id FROM outbox_emails")) == 1


def test_approving_rejecting_and_cancelling_at_once_is_one_of_them(race: Race, sql: Sql) -> None:
    student, course, admin = a_student(), a_course(), an_admin()
    request = a_request(student, course)
    kinds = (
        call("approve", request, by=admin),
        call("reject", request, by=admin),
        call("cancel_request", request, by=student),
    )
    outcomes = race([kinds[n % 3] for n in range(N)])

    results = counted(outcomes)
    assert results.pop("done") == 1
    assert results in ({"AlreadyReviewed": N - 1}, {"RequestNotFound": N - 1})
    winner = kinds[next(n for n, o in enumerate(outcomes) if not o.refusal) % 3].verb
    assert sql("SELECT id FROM access_requests") == []
    assert len(sql("SELECT id FROM decisions")) == (winner != "cancel_request")
    assert len(sql("SELECT id FROM enrollments")) == (winner == "approve")


def test_two_admins_who_undo_at_once_undo_once(race: Race, sql: Sql) -> None:
    student, course = a_student(), a_course()
    admins = an_admin(), an_admin("Edith")
    decision = enrollment.approve(a_request(student, course), by=admins[0]).decision_id
    outcomes = race([call("undo_decision", decision, by=admins[n % 2]) for n in range(FEW)])
    assert counted(outcomes) == {"done": 1, "AlreadyUndone": FEW - 1}
    assert len(sql("SELECT id FROM decision_reversals")) == 1
    assert len(sql("SELECT id FROM access_requests")) == 1
    assert sql("SELECT id FROM enrollments") == []
    assert actions(sql, "decision.undone") == 1


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_an_undo_among_other_changes_leaves_one_truth(race: Race, sql: Sql, status: str) -> None:
    student, course, admin = a_student(), a_course(capacity=1), an_admin()
    request = a_request(student, course)
    decide = enrollment.approve if status == "approved" else enrollment.reject
    decision = decide(request, by=admin).decision_id
    others = (
        call("request_access", student, course),
        call("enroll", student, course, by=admin),
        call("unenroll", student, course, by=admin),
        call("cancel_request", request + 1, by=student),
    )
    calls = [others[n % 4] for n in range(FEW - 1)]
    calls.insert(FEW // 2, call("undo_decision", decision, by=admin))
    outcomes = race(calls)

    assert outcomes[FEW // 2].refusal is None
    assert set(counted(outcomes)) <= {
        *("done", "AlreadyEnrolled", "RequestPending", "NotEnrolled"),
        *("RequestNotFound", "AlreadyReviewed"),
    }
    assert len(sql("SELECT id FROM decision_reversals")) == 1
    waiting = len(sql("SELECT id FROM access_requests"))
    assert waiting + len(sql("SELECT id FROM enrollments")) <= 1


def test_the_last_seat_is_taken_once(race: Race, sql: Sql) -> None:
    course, admin = a_public_course(capacity=1), an_admin()
    students = [a_student() for _ in range(N)]
    calls = [
        call("enroll_directly", student, course)
        if n % 2
        else call("enroll", student, course, by=admin)
        for n, student in enumerate(students)
    ]
    assert counted(race(calls)) == {"done": 1, "CourseFull": N - 1}
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_the_last_seat_is_given_once_by_many_approvals(race: Race, sql: Sql) -> None:
    course, admin = a_course(capacity=1), an_admin()
    requests = [a_request(a_student(), course) for _ in range(N)]
    outcomes = race([call("approve", request, by=admin) for request in requests])
    assert counted(outcomes) == {"done": 1, "CourseFull": N - 1}
    assert len(sql("SELECT id FROM access_requests")) == N - 1


def test_seats_that_come_and_go_are_never_taken_twice(race: Race, sql: Sql) -> None:
    course, admin = a_public_course(capacity=3), an_admin()
    inside, outside = [a_student() for _ in range(3)], [a_student() for _ in range(N - 3)]
    for student in inside:
        enrollment.enroll_directly(student, course)
    results = counted(
        race(
            [call("unenroll", student, course, by=admin) for student in inside]
            + [call("enroll_directly", student, course) for student in outside]
        )
    )
    assert results.keys() <= {"done", "CourseFull"}
    assert len(sql("SELECT id FROM enrollments")) == results["done"] - 3 <= 3


def test_requests_and_enrollments_of_one_pair_at_once_leave_no_request(
    race: Race, sql: Sql
) -> None:
    student, course, admin = a_student(), a_public_course(), an_admin()
    kinds = (
        call("request_access", student, course),
        call("enroll_directly", student, course),
        call("enroll", student, course, by=admin),
    )
    results = counted(race([kinds[n % 3] for n in range(N)]))
    assert results.keys() <= {"done", "AlreadyEnrolled", "RequestPending"}
    assert sql("SELECT id FROM access_requests") == []
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_enrolling_and_unenrolling_at_once_ends_in_one_of_them(race: Race, sql: Sql) -> None:
    student, course, admin = a_student(), a_public_course(chapters=2), an_admin()
    kinds = (
        call("enroll", student, course, by=admin),
        call("unenroll", student, course, by=admin),
    )
    results = counted(race([kinds[n % 2] for n in range(N)]))
    assert results.keys() <= {"done", "NotEnrolled"}
    granted, ended = actions(sql, "access.granted"), actions(sql, "access.ended")
    assert len(sql("SELECT id FROM enrollments")) == granted - ended


def test_whoever_registers_while_a_course_becomes_open_to_all_is_in_it(
    race: Race, sql: Sql
) -> None:
    course = a_course("Welcome")
    fields = CourseFields(title="Welcome", status="published", is_default_unlocked=True)
    calls = [
        call("add_user", email=f"new{n}@example.org", name="New", password_hash="x")
        for n in range(N - 2)
    ]
    calls.insert(N // 3, call("edit_course", course, fields, by=None))
    calls.insert(2 * N // 3, call("create_course", fields, by=None))
    assert counted(race(calls)) == {"done": N}
    assert len(sql("SELECT id FROM enrollments")) == 2 * (N - 2)


def test_whoever_registers_while_a_course_open_to_all_goes_is_registered(
    race: Race, sql: Sql
) -> None:
    going, closing, staying = (a_course_open_to_all(title) for title in ("A", "B", "C"))
    calls = [
        call("add_user", email=f"new{n}@example.org", name="New", password_hash="x")
        for n in range(N - 2)
    ]
    calls.insert(5, call("delete_course", going, by=None))
    calls.insert(10, call("archive_course", closing, by=None))
    assert counted(race(calls)) == {"done": N}
    enrolled = sql("SELECT id FROM enrollments WHERE course_id = :id", id=staying)
    assert len(enrolled) == N - 2


def test_an_email_registers_once(race: Race, sql: Sql) -> None:
    a_course_open_to_all()
    outcomes = race([call("add_user", email="ada@example.org", name="Ada", password_hash="x")] * N)
    assert counted(outcomes) == {"done": 1, "EmailTaken": N - 1}
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_an_address_is_given_once(race: Race, sql: Sql) -> None:
    people = [a_student() for _ in range(N // 2)]
    calls = [call("set_email", person, "ada@example.org", by=None) for person in people]
    calls += [call("add_user", email="ada@example.org", name="Ada", password_hash="x")] * (N // 2)
    assert counted(race(calls)) == {"done": 1, "EmailTaken": N - 1}
    assert sql("SELECT count(*) FROM users WHERE email = 'ada@example.org'") == [(1,)]


def test_a_chapter_deleted_while_it_is_completed_leaves_no_trace(race: Race, sql: Sql) -> None:
    course = a_public_course(chapters=2)
    going = a_chapter(course)
    students = [a_student() for _ in range(N - 1)]
    for student in students:
        enrollment.enroll_directly(student, course)
    calls = [call("complete_chapter", student, going) for student in students]
    calls.insert(N // 2, call("delete_chapter", going, by=None))
    assert counted(race(calls)).keys() <= {"done", "ChapterNotFound"}
    assert sql("SELECT id FROM chapter_completions") == []
    assert {row.progress for row in sql("SELECT progress FROM enrollments")} == {0}


def test_what_is_told_of_a_chapter_is_right_while_others_are_added(race: Race, sql: Sql) -> None:
    course = a_public_course(chapters=1)
    [(chapter,)] = sql("SELECT id FROM chapters")
    students = [a_student() for _ in range(N // 2)]
    for student in students:
        enrollment.enroll_directly(student, course)
    calls = []
    for number, student in enumerate(students):
        calls.append(call("complete_chapter", student, chapter))
        calls.append(call("add_chapter", course, title=f"{number}", body="", by=None))
    told = [outcome.value for outcome in race(calls)[::2]]
    assert [
        one for one in told if one.progress != 100 * one.completed_chapters // one.total_chapters
    ] == []


def test_chapters_added_while_students_learn_count_for_all(race: Race, sql: Sql) -> None:
    course = a_public_course(chapters=1)
    [(chapter,)] = sql("SELECT id FROM chapters")
    students = [a_student() for _ in range(N - 4)]
    for student in students[::2]:
        enrollment.enroll_directly(student, course)
    calls = [
        call("enroll_directly", student, course)
        if n % 2
        else call("complete_chapter", student, chapter)
        for n, student in enumerate(students)
    ]
    for n in range(4):
        calls.insert(n * N // 5, call("add_chapter", course, title="New", body="", by=None))
    assert counted(race(calls)) == {"done": N}
    assert {row.progress for row in sql("SELECT progress FROM enrollments")} == {0, 20}
    assert sql("SELECT position FROM chapters ORDER BY id") == [(n,) for n in range(1, 6)]


def test_a_course_deleted_while_students_come_in_leaves_nothing_of_it(race: Race, sql: Sql) -> None:
    course, admin = a_public_course(chapters=1), an_admin()
    students = [a_student() for _ in range(N - 1)]
    requests = [a_request(student, course) for student in students[::3]]
    calls = [
        call("approve", requests[n // 3], by=admin)
        if n % 3 == 0
        else call("enroll_directly", student, course)
        if n % 3 == 1
        else call("request_access", student, course)
        for n, student in enumerate(students)
    ]
    calls.insert(N // 2, call("delete_course", course, by=admin))
    assert counted(race(calls)).keys() <= {"done", "CourseNotFound", "RequestNotFound"}
    for table in ("enrollments", "student_progress", "access_requests", "access_sources"):
        assert sql(f"SELECT * FROM {table}") == []


def test_a_student_deleted_while_learning_leaves_nothing(race: Race, sql: Sql) -> None:
    student, course, admin = a_student(), a_public_course(chapters=3), an_admin()
    enrollment.enroll_directly(student, course)
    other = a_course()
    chapters = [row.id for row in sql("SELECT id FROM chapters")]
    calls = [call("complete_chapter", student, chapters[n % 3]) for n in range(N - 11)]
    calls += [call("request_access", student, other)] * 5
    calls += [call("enroll", student, other, by=admin)] * 5
    calls.insert(N // 2, call("delete_user", student, by=admin))
    assert counted(race(calls)).keys() <= {
        "done",
        "StudentNotFound",
        "RequestPending",
        "AlreadyEnrolled",
    }
    for table in ("enrollments", "student_progress", "access_requests", "chapter_completions"):
        assert sql(f"SELECT * FROM {table}") == []


def test_seats_are_never_fewer_than_students_while_they_are_changed(race: Race, sql: Sql) -> None:
    course = a_public_course("Botany", capacity=40)
    students = [a_student() for _ in range(N - 10)]
    calls = [call("enroll_directly", student, course) for student in students]
    for n in range(10):
        fields = CourseFields(
            title="Botany", status="published", is_public=True, capacity=(5, 10, 20, 30)[n % 4]
        )
        calls.insert(n * 5, call("edit_course", course, fields, by=None))
    assert counted(race(calls)).keys() <= {"done", "CourseFull", "Invalid"}
    [(capacity, enrolled)] = sql("SELECT capacity, (SELECT count(*) FROM enrollments) FROM courses")
    assert enrolled <= capacity


@pytest.mark.parametrize(
    ("verb", "results"),
    [
        ("deactivate_user", {"done": 24, "Invalid": 24}),
        ("delete_user", {"done": 1, "UserNotFound": 23, "Invalid": 24}),
    ],
)
def test_two_admins_who_remove_each_other_leave_one(
    race: Race, sql: Sql, verb: str, results: dict[str, int]
) -> None:
    grace, edith = an_admin("Grace"), an_admin("Edith")
    calls = [call(verb, grace, by=edith), call(verb, edith, by=grace)]
    # Neighbours in the list go to different processes: each of these has calls of both kinds.
    assert counted(race([calls[n // 2 % 2] for n in range(48)])) == results
    left = sql("SELECT id FROM users WHERE role = 'admin' AND is_active = true")
    assert len(left) == 1


def test_everything_at_once_breaks_nothing(race: Race, sql: Sql) -> None:
    admin = an_admin()
    courses = [a_course_open_to_all(chapters=2), a_public_course(chapters=2), a_course(capacity=4)]
    students = [a_student() for _ in range(4)]
    requests = [a_request(student, courses[2]) for student in students]
    chapters = [row.id for row in sql("SELECT id FROM chapters ORDER BY id")]
    closed = CourseFields(title="Welcome", status="published")
    calls = [
        call("edit_course", courses[0], closed, by=admin),
        call("change_role", students[3], "admin", by=admin),
        call("delete_user", students[2], by=admin),
        call("delete_chapter", chapters[0], by=admin),
        call("add_chapter", courses[1], title="New", body="", by=admin),
        *(call("approve", request, by=admin) for request in requests),
        *(call("cancel_request", r, by=s) for r, s in zip(requests, students, strict=True)),
        *(call("enroll_directly", student, courses[1]) for student in students),
        *(call("enroll", student, course, by=admin) for student in students for course in courses),
        *(call("unenroll", student, courses[1], by=admin) for student in students),
        *(call("complete_chapter", s, c) for s in students for c in chapters[:3]),
        *(call("add_user", email=f"n{n}@example.org", name="N", password_hash="x") for n in (1, 2)),
    ]
    race(calls)


def test_of_many_who_have_seen_the_same_text_one_saves_and_all_others_are_told(
    race: Race, sql: Sql
) -> None:
    chapter = a_chapter(a_course(), "Sets", "Old")
    seen = seen_of({"title": "Sets", "body": "Old"})
    outcomes = race(
        [
            call("edit_chapter", chapter, title="Sets", body=f"Text {n}", seen=seen, by=None)
            for n in range(N)
        ]
    )
    assert counted(outcomes) == {"done": 1, "ContentChanged": N - 1}
    winner = next(n for n, outcome in enumerate(outcomes) if not outcome.refusal)
    assert sql("SELECT body FROM chapters") == [(f"Text {winner}",)]
    assert actions(sql, "chapter.edited") == 1


def test_of_many_who_have_seen_the_same_course_one_saves_and_all_others_are_told(
    race: Race, sql: Sql
) -> None:
    course = a_course("Algebra")
    before = CourseFields(title="Algebra", status="published")
    seen = seen_of(asdict(before))
    wishes = [replace(before, title=f"Algebra {n}") for n in range(N)]
    outcomes = race([call("edit_course", course, wish, seen=seen, by=None) for wish in wishes])
    assert counted(outcomes) == {"done": 1, "ContentChanged": N - 1}
    assert actions(sql, "course.edited") == 1
