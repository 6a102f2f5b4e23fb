"""Whatever has happened, the figures of the pages are those that adding up all rows gives."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from lms import enrollment, sync
from lms.db import at, db, now
from lms.ledger.counting import differences
from lms.models import CurrentCount, DailyCount
from lms.queries import analytics
from lms.queries.admin import courses as offered
from lms.queries.admin import students as listed
from lms.queries.analytics.period import period
from lms.queries.analytics.risk import MOST_LISTED
from lms.refusals import Refusal
from tests.builders import a_chapter, a_course, a_public_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.queries import aggregates

STEPS = 60
MONTHS = timedelta(days=120)


class History:
    """Things that happen to a school one after the other, at random but always alike."""

    def __init__(self, seed: int, sql: Sql) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.sql = sql
        self.moment = now() - MONTHS
        with at(self.moment):
            self.admin = an_admin()
            self.students = [a_student(f"Student {number}") for number in range(5)]
            self.courses = [
                a_course("Algebra", chapters=2),
                a_public_course("Botany", chapters=1),
                a_public_course("Chemistry", chapters=3, capacity=3),
            ]

    def step(self) -> None:
        self.moment += timedelta(
            seconds=self.random.randrange(2 * int(MONTHS.total_seconds()) // STEPS)
        )
        self.moment = min(self.moment, now())
        happens: Callable[[], object] = self.random.choice(
            (
                *(self.request, self.approve, self.reject, self.undo, self.learn, self.learn),
                *(self.forget, self.join, self.enroll, self.unenroll, self.pay, self.refund),
                *(self.add_chapter, self.lose_chapter, self.lock_out, self.come, self.go),
                *(self.open_course, self.close_course, self.rewrite, sync.fold_sums, self.move),
            )
        )
        with at(self.moment), suppress(Refusal, IntegrityError, IndexError):
            happens()

    def pair(self) -> tuple[int, int]:
        return self.random.choice(self.students), self.random.choice(self.courses)

    def request(self) -> None:
        a_request(*self.pair())

    def approve(self) -> None:
        enrollment.approve(self._any("access_requests"), by=self.admin)

    def reject(self) -> None:
        enrollment.reject(self._any("access_requests"), by=self.admin)

    def undo(self) -> None:
        enrollment.undo_decision(self._any("decisions"), by=self.admin)

    def learn(self) -> None:
        enrollment.complete_chapter(self.random.choice(self.students), self._any("chapters"))

    def forget(self) -> None:
        enrollment.reopen_chapter(self.random.choice(self.students), self._any("chapters"))

    def join(self) -> None:
        enrollment.enroll_directly(*self.pair())

    def enroll(self) -> None:
        enrollment.enroll(*self.pair(), by=self.admin)

    def unenroll(self) -> None:
        enrollment.unenroll(*self.pair(), by=self.admin)

    def pay(self) -> None:
        student, course = self.pair()
        self.sql(
            "INSERT INTO payments (user_id, course_id, subtotal_cents, discount_cents, tax_cents,"
            " amount_cents, currency, status, paid_at)"
            " SELECT :student, :course, :subtotal, :discount, :tax,"
            " :cents, :currency, 'paid', enrolled_at FROM enrollments"
            " WHERE user_id = :student OR course_id = :course",
            subtotal=self.random.choice([None, 4900]),
            discount=self.random.randrange(500),
            tax=self.random.randrange(900),
            student=student,
            course=course,
            cents=self.random.randrange(5000),
            currency=self.random.choice(["eur", "usd"]),
        )

    def refund(self) -> None:
        gone = self.random.choice(["refunded", "lost"])
        self.sql(
            f"UPDATE payments SET {gone}_cents = amount_cents, status = 'refunded' WHERE id = :id",
            id=self._any("payments"),
        )

    def add_chapter(self) -> None:
        a_chapter(self.random.choice(self.courses))

    def lose_chapter(self) -> None:
        enrollment.delete_chapter(self._any("chapters"), by=self.admin)

    def lock_out(self) -> None:
        student = self.random.choice(self.students)
        change = self.random.choice([enrollment.deactivate_user, enrollment.reactivate_user])
        change(student, by=self.admin)

    def come(self) -> None:
        self.students.append(a_student())

    def go(self) -> None:
        student = self.random.choice(self.students)
        enrollment.delete_user(student, by=self.admin)
        self.students.remove(student)

    def open_course(self) -> None:
        self.courses.append(a_public_course(f"Course {len(self.courses)}", chapters=1))

    def close_course(self) -> None:
        course = self.random.choice(self.courses[1:])
        enrollment.delete_course(course, by=self.admin)
        self.courses.remove(course)

    def move(self) -> None:
        [version] = [row.version for row in self.sql("SELECT version FROM school_settings")] or [0]
        zone = self.random.choice(["Europe/Berlin", "America/St_Johns", "Pacific/Auckland", None])
        enrollment.change_settings({"time_zone": zone}, seen=version, by=self.admin)

    def rewrite(self) -> None:
        """Change what verbs leave alone, by hand."""
        statement = self.random.choice(
            [
                "UPDATE enrollments SET enrolled_at = :moment WHERE user_id = :student",
                "UPDATE student_progress SET last_activity_at = NULL WHERE student_id = :student",
                "UPDATE access_requests SET created_at = :moment WHERE student_id = :student",
                "UPDATE payments SET paid_at = NULL, currency = 'jpy' WHERE user_id = :student",
            ]
        )
        moment = f"{self.moment - timedelta(days=9):%Y-%m-%d %H:%M:%S}.000000"
        self.sql(
            statement,
            student=self.random.choice(self.students),
            **({"moment": moment} if ":moment" in statement else {}),
        )

    def _any(self, table: str) -> int:
        ids: list[int] = [row.id for row in self.sql(f"SELECT id FROM {table} ORDER BY id")]
        return self.random.choice(ids)


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_the_rows_in_any_history(context: Flask, sql: Sql, seed: int) -> None:
    history = History(seed, sql)
    for number in range(STEPS):
        history.step()
        if number % 20 == 19:
            _compare(history)
    assert [
        row
        for model in (DailyCount, CurrentCount)
        for row in db.session.execute(differences(model))
    ] == []


def test_students_at_risk_may_be_at_0_percent_after_activity_or_never_active_at_50(
    context: Flask, sql: Sql
) -> None:
    course = a_public_course(chapters=2)
    [first, _] = [row.id for row in sql("SELECT id FROM chapters ORDER BY id")]
    seen = now() - timedelta(days=3)
    for enrolled_at in (seen, now() - timedelta(days=30)):
        with at(enrolled_at):
            *reopening, restored = (a_student() for _ in range(3))
            for student in (*reopening, restored):
                enrollment.enroll_directly(student, course)
        with at(seen):
            for student in (*reopening, restored):
                enrollment.complete_chapter(student, first)
            for student in reopening:
                enrollment.reopen_chapter(student, first)
        sql(
            "UPDATE student_progress SET last_activity_at = NULL WHERE student_id = :student",
            student=restored,
        )
    for chosen in (None, course):
        quiet = aggregates.at_risk(chosen, analytics.figures(period(None, None)).at_risk.quiet_days)
        shown = analytics.figures(period(None, None), chosen).at_risk
        assert [student.student_id for student in shown.students] == [restored]
        assert shown.total == len(quiet) == 1


@pytest.mark.parametrize(
    ("hours", "middle"),
    [((1,), 1), ((1, 2, 3), 2), ((3, 1, 200, 2), 3), ((50, 49, 51), 50), ((0, 0, 9), 0)],
)
def test_the_median_wait_is_found_in_steps_as_exactly_as_among_the_decisions(
    context: Flask, hours: tuple[int, ...], middle: int
) -> None:
    admin, course = an_admin(), a_course()
    for number, wait in enumerate(hours):
        with at(now() - timedelta(days=20, seconds=number)):
            request = a_request(a_student(), course)
            with at(now() + timedelta(hours=wait, seconds=7)):
                enrollment.reject(request, by=admin)
    for chosen in (None, course):
        made = analytics.figures(period(None, None), chosen).decisions
        assert made.median_seconds == middle * 3600 + 7


def _compare(history: History) -> None:
    today = now().date()
    day = (now() - MONTHS / 2).date()
    for chosen in (period(day, None), period(day - MONTHS, today)):
        for course in (None, *history.courses):
            shown = analytics.figures(chosen, course)
            assert [
                (point.starts_on, point.enrollments, point.completions, point.requests)
                for point in shown.points
            ] == aggregates.points(chosen, course)
            assert [
                (
                    *(row.currency, row.payments, row.paid_cents, row.refunded_cents),
                    *(row.gross_cents, row.discount_cents, row.tax_cents, row.lost_cents),
                )
                for row in shown.revenue
            ] == aggregates.revenue(chosen, course)
            for row in shown.revenue:
                assert sum(point.paid_cents for point in row.points) == row.paid_cents
                assert row.net_cents == row.paid_cents - row.refunded_cents - row.lost_cents
            funnel = shown.funnel
            assert funnel.requested == shown.requests
            assert (funnel.approved, funnel.started, funnel.completed) == aggregates.funnel(
                chosen, course
            )
            made = shown.decisions
            assert (made.approved, made.rejected, made.median_seconds) == aggregates.decisions(
                chosen, course
            )
            assert (made.waiting, made.longest_waiting_since) == aggregates.waiting(course)
            quiet = aggregates.at_risk(course, shown.at_risk.quiet_days)
            assert shown.at_risk.total == len(quiet)
            assert [(row.student_id, row.course_id) for row in shown.at_risk.students] == [
                pair[1:] for pair in quiet[:MOST_LISTED]
            ]
    by_course = {
        row.id: (row.enrolled, row.started, row.completed, row.average_progress)
        for row in analytics.figures(period(None, None)).courses
    }
    assert by_course == aggregates.courses()
    assert {row.id: row.enrolled for row in offered.courses().courses} == {
        number: figures[0] for number, figures in by_course.items()
    }
    assert listed.students().total == len(history.students)
