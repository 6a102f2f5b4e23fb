"""Random verbs against a small independent model, with every invariant checked after each step."""

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    consumes,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import update

from lms import enrollment, sync
from lms.db import db, writer
from lms.models import (
    Offer,
)
from lms.payments import ManualPayment, record_payment
from lms.refusals import (
    AlreadyEnrolled,
    AlreadyReviewed,
    AlreadyUndone,
    CourseFull,
    CourseNotFound,
    Invalid,
    NotEnrolled,
    NotFound,
    NotPublic,
    OpenToAll,
    PaidFor,
    PaymentRequired,
    Refusal,
    RequestPending,
    TooLateToUndo,
)
from tests.builders import a_chapter
from tests.faults.machine import Machine, fields_of
from tests.faults.model import ModelCourse
from tests.faults.profile import BY_DAY, NIGHTLY

STEPS = 50
MACHINES = 1 if BY_DAY else 4
"""On each engine, so that the test processes share the work."""
ROUNDS = 160 if NIGHTLY else 16
_PROFILE: dict[str, Any] = {
    "stateful_step_count": STEPS,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
# A third of the rounds end early: a machine of 16 makes 500 steps, four of 160 at night 20,000.
settings.register_profile("machines", max_examples=ROUNDS, **_PROFILE)

courses_of = st.builds(
    ModelCourse,
    is_public=st.booleans(),
    is_default=st.booleans(),
    price=st.sampled_from([0, 0, 900]),
    asks_first=st.sampled_from([False, False, True]),
    capacity=st.sampled_from([None, None, 0, 1, 2]),
    is_visible=st.booleans() | st.just(True),
)


def _somebody_waits(school: "School") -> bool:
    return bool(school.model.pending)


def _a_seat_is_held(school: "School") -> bool:
    return bool(school.model.offers)


def _something_is_decided(school: "School") -> bool:
    return bool(school.decisions)


class School(Machine):
    """Every verb, in any order."""

    students, courses, chapters = Machine.students, Machine.courses, Machine.chapters

    @rule(target=students)
    def add_student(self) -> int:
        return self._student()

    @rule(target=courses, course=courses_of)
    def add_course(self, course: ModelCourse) -> Any:
        if course.is_default and course.capacity is not None:
            self._refused(Invalid, enrollment.create_course, fields_of(course), by=self.admin)
            return multiple()
        return self._course(course)

    @rule(course=courses, values=courses_of)
    def edit_course(self, course: int, values: ModelCourse) -> None:
        known = self.model.courses[course]
        is_possible = not (values.is_default and values.capacity is not None) and (
            values.capacity is None or values.capacity >= self.model.taken(course)
        )
        if not is_possible:
            self._refused(Invalid, enrollment.edit_course, course, fields_of(values), by=self.admin)
            return
        enrollment.edit_course(course, fields_of(values), by=self.admin)
        if self.model.is_full(course) and values != known:
            self.model.line_up(course)
        stops = known.is_default and not values.is_default
        values.chapters = known.chapters
        self.model.courses[course] = ModelCourse(**vars(values))
        if stops:
            self.model.stop_being_open_to_all(course)
        self.model.give_defaults()
        if not values.is_visible or not values.price:
            self._end_offers(course, are_given=values.is_visible)
        self.model.pass_on(course)

    def _end_offers(self, course: int, *, are_given: bool) -> None:
        for pair, number in list(self.model.offers.items()):
            if pair[1] == course and are_given and number is not None:
                self.model.give(pair, f"approval {number}")
        for pair in [pair for pair in self.model.offers if pair[1] == course]:
            del self.model.offers[pair]

    @rule(course=consumes(courses))
    def delete_course(self, course: int) -> None:
        enrollment.delete_course(course, by=self.admin)
        self.model.forget(course=course)

    @rule(student=consumes(students))
    def delete_student(self, student: int) -> None:
        enrollment.delete_user(student, by=self.admin)
        freed = {
            pair[1] for pair in (*self.model.sources, *self.model.offers) if pair[0] == student
        }
        self.model.forget(student=student)
        for course in sorted(freed):
            self.model.fill(course, 1)

    @rule(target=chapters, course=courses)
    def add_chapter(self, course: int) -> Any:
        chapter = a_chapter(course)
        self.model.courses[course].chapters.add(chapter)
        return chapter

    @rule(chapter=consumes(chapters))
    def delete_chapter(self, chapter: int) -> None:
        course = self._course_of(chapter)
        if course is None:
            self._refused(Refusal, enrollment.delete_chapter, chapter, by=self.admin)
            return
        enrollment.delete_chapter(chapter, by=self.admin)
        self.model.courses[course].chapters.remove(chapter)
        self.model.completed = {done for done in self.model.completed if done[1] != chapter}

    @rule(student=students, course=courses)
    def request_access(self, student: int, course: int) -> None:
        pair = (student, course)
        refusal = (
            AlreadyEnrolled
            if pair in self.model.sources
            else CourseNotFound
            if not self.model.courses[course].is_visible
            else RequestPending
            if pair in self.model.pending or pair in self.model.offers
            else None
        )
        if refusal:
            self._refused(refusal, enrollment.request_access, student, course)
        else:
            self.model.ask(pair, enrollment.request_access(student, course).id)

    @precondition(_somebody_waits)
    @rule(data=st.data())
    def cancel_request(self, data: Any) -> None:
        pair = self._some_pending(data)
        enrollment.cancel_request(self.model.pending[pair], by=pair[0])
        self.model.leave_queue(pair)
        self.model.fill(pair[1])

    @precondition(_somebody_waits)
    @rule(data=st.data())
    def approve(self, data: Any) -> None:
        pair = self._some_pending(data)
        number = self.model.pending[pair]
        self.model.fill(pair[1])
        if not self.model.has_seat(pair):
            self._refused(CourseFull, enrollment.approve, number, by=self.admin)
            self.model.called.discard(pair)
            self.model.waiting.add(pair)
            self.model.ahead.add(pair)
            if self.model.courses[pair[1]].price and self.model.courses[pair[1]].asks_first:
                self.model.await_seat_again(pair)
            return
        made = enrollment.approve(number, by=self.admin)
        self.model.approve(pair)
        assert (made.offer is not None) == (pair in self.model.offers)
        self.decisions[made.decision_id] = (pair, number)
        self._refused(AlreadyReviewed, enrollment.reject, number, by=self.admin)

    @precondition(_a_seat_is_held)
    @rule(data=st.data())
    def decline_offer(self, data: Any) -> None:
        pair = data.draw(st.sampled_from(sorted(self.model.offers)))
        enrollment.decline_offer(self._offer(pair), by=pair[0])
        del self.model.offers[pair]
        self.model.fill(pair[1], 1)

    @precondition(_a_seat_is_held)
    @rule(data=st.data())
    def withdraw_offer(self, data: Any) -> None:
        pair = data.draw(st.sampled_from(sorted(self.model.offers)))
        enrollment.withdraw_offer(self._offer(pair), by=self.admin, reason="No")
        del self.model.offers[pair]
        self.model.fill(pair[1], 1)

    @rule(student=students, course=courses)
    def pay(self, student: int, course: int) -> None:
        self.payments += 1
        money = ManualPayment(student, course, 900, "eur", "transfer", f"transfer {self.payments}")
        recorded = record_payment(money, by=self.admin)
        self.model.pay((student, course), recorded.payment_id)

    @rule(course=courses)
    def let_offers_expire(self, course: int) -> None:
        with writer(db.engine).begin() as connection:
            past = update(Offer).values(expires_at=Offer.created_at)
            connection.execute(past.where(Offer.course_id == course))
        enrollment.fill_free_seats()
        over = [pair for pair in self.model.offers if pair[1] == course]
        for pair in over:
            del self.model.offers[pair]
        self.model.fill(course, len(over))
        for number in self.model.courses:
            self.model.seat_who_paid(number)

    @precondition(_somebody_waits)
    @rule(data=st.data())
    def reject(self, data: Any) -> None:
        pair = self._some_pending(data)
        number = self.model.pending[pair]
        made = enrollment.reject(number, by=self.admin, reason="No")
        self.model.leave_queue(pair)
        self.model.fill(pair[1])
        self.decisions[made.decision_id] = (pair, number)
        self._refused(AlreadyReviewed, enrollment.approve, number, by=self.admin)

    @precondition(_something_is_decided)
    @rule(data=st.data())
    def undo_decision(self, data: Any) -> None:
        decision = data.draw(st.sampled_from(sorted(self.decisions)))
        pair, number = self.decisions.pop(decision)
        if pair[0] not in self.model.students or pair[1] not in self.model.courses:
            self._refused(NotFound, enrollment.undo_decision, decision, by=self.admin)
            return
        if self._is_late_for(decision):
            self._refused(TooLateToUndo, enrollment.undo_decision, decision, by=self.admin)
            return
        undone = enrollment.undo_decision(decision, by=self.admin)
        had = self.model.taken(pair[1])
        self.model.take(pair, f"approval {number}")
        if self.model.offers.get(pair) == number:
            del self.model.offers[pair]
        waits_again = pair not in self.model.sources and pair not in self.model.pending
        assert (undone.request_id is not None) == waits_again
        if undone.request_id is not None:
            self.model.pending[pair] = undone.request_id
        if freed := had - self.model.taken(pair[1]):
            self.model.fill(pair[1], freed)
        self._refused(AlreadyUndone, enrollment.undo_decision, decision, by=self.admin)

    @rule(student=students, course=courses)
    def join(self, student: int, course: int) -> None:
        pair, known = (student, course), self.model.courses[course]
        if pair in self.model.sources:
            assert not enrollment.enroll_directly(student, course).is_new
            return
        refusals = (
            (not known.is_visible, CourseNotFound),
            (known.price > 0, PaymentRequired),
            (not known.is_public or known.asks_first, NotPublic),
            (not self.model.has_seat(pair), CourseFull),
        )
        for applies, refusal in refusals:
            if applies:
                self._refused(refusal, enrollment.enroll_directly, student, course)
                return
        assert enrollment.enroll_directly(student, course).is_new
        self.model.fill(course)
        self.model.give(pair, "direct")

    @rule(student=students, course=courses)
    def enroll(self, student: int, course: int) -> None:
        pair = (student, course)
        is_new = pair not in self.model.sources
        if not self.model.has_seat(pair):
            self._refused(CourseFull, enrollment.enroll, student, course, by=self.admin)
            return
        assert enrollment.enroll(student, course, by=self.admin).is_new == is_new
        self.model.fill(course)
        self.model.give(pair, "admin")
        if is_new:
            self.model.restore(pair)
        if is_new and pair in self.model.waived:
            self.model.waived.discard(pair)
            if self.model.courses[course].is_default:
                self.model.give(pair, "default")

    @rule(student=students, course=courses)
    def unenroll(self, student: int, course: int) -> None:
        if (student, course) not in self.model.sources:
            self._refused(NotEnrolled, enrollment.unenroll, student, course, by=self.admin)
            return
        enrollment.unenroll(student, course, by=self.admin)
        self.model.end((student, course))
        self.model.fill(course, 1)

    @rule(student=students, course=courses)
    def leave(self, student: int, course: int) -> None:
        pair = (student, course)
        kinds = self.model.sources.get(pair)
        refusals = (
            (kinds is None, NotEnrolled),
            (self.model.courses[course].is_default, OpenToAll),
            (self.model.has_paid(pair) or any("payment" in each for each in kinds or ()), PaidFor),
        )
        for applies, refusal in refusals:
            if applies:
                self._refused(refusal, enrollment.leave, student, course)
                return
        enrollment.leave(student, course)
        del self.model.sources[pair]
        self.model.fill(course, 1)

    @rule(student=students, chapter=chapters)
    def complete_chapter(self, student: int, chapter: int) -> None:
        self._learn(enrollment.complete_chapter, student, chapter, self.model.completed.add)

    @rule(student=students, chapter=chapters)
    def reopen_chapter(self, student: int, chapter: int) -> None:
        self._learn(enrollment.reopen_chapter, student, chapter, self.model.completed.discard)

    @rule(student=students, course=courses)
    def reset_progress(self, student: int, course: int) -> None:
        reset = partial(enrollment.reset_progress, by=self.admin, reason="A new term")
        if (student, course) not in self.model.sources:
            self._refused(NotEnrolled, reset, student, course)
            return
        chapters = {(student, chapter) for chapter in self.model.courses[course].chapters}
        assert reset(student, course) == len(chapters & self.model.completed)
        self.model.completed -= chapters

    @rule()
    def auto_fix(self) -> None:
        assert sync.auto_fix(by=self.admin).total == 0


def _machine(engine: str, number: int) -> Any:
    machine: Any = type(f"School{number}", (School,), {"engine": engine})
    machine.TestCase.settings = settings.get_profile("machines")
    return pytest.mark.timeout(3600 if NIGHTLY else 600)(machine.TestCase)


TestOnSqlite1, *_others = (_machine("sqlite", number) for number in range(MACHINES))
if _others:
    TestOnSqlite2, TestOnSqlite3, TestOnSqlite4 = _others
if NIGHTLY:
    TestOnPostgresql1, TestOnPostgresql2, TestOnPostgresql3, TestOnPostgresql4 = (
        _machine("postgresql", number) for number in range(MACHINES)
    )
