"""A school that lives through random verbs, always alike: every way in which access is given."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms import enrollment, sync
from lms.db import Base, at, db, now
from lms.enrollment import CourseFields, intake
from lms.importing.roster import import_roster
from lms.ledger.access import Past
from lms.ledger.sources import Source
from lms.models import (
    AccessRequest,
    Certificate,
    Chapter,
    Course,
    Decision,
    Enrollment,
    Payment,
    SyncRun,
    User,
)
from lms.payments import ManualPayment, record_payment
from lms.payments.recording import record_refund
from lms.refusals import Refusal
from lms.transaction import transactional
from tests.arrivals import arrival
from tests.builders import a_chapter, a_request, a_student, an_admin, without_limit


class Life:
    """What happens to it, one thing after the other, each at a moment of its own."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret
        self.roster = folder / "roster.csv"
        self.moment = now() - timedelta(days=400)
        with at(self.moment):
            self.admin = an_admin()
            without_limit("payment", self.admin)
            without_limit("refund", self.admin)
            for _ in range(4):
                self.add_student()
            for _ in range(4):
                self.add_course()

    def step(self) -> None:
        self.moment += timedelta(seconds=self.pause())
        happens: Callable[[], object] = self.random.choice(
            (
                *(self.request, self.request, self.request, self.decide, self.decide, self.decide),
                *(self.undo, self.cancel),
                *(
                    self.join,
                    self.join,
                    self.join,
                    self.enroll,
                    self.enroll,
                    self.unenroll,
                    self.unenroll,
                ),
                *(self.pay, self.pay, self.refund, self.put_on_roster, self.take_off_roster),
                *(self.undo_roster, self.import_old, self.edit_course, self.edit_course),
                *(self.learn for _ in range(12)),
                *(
                    self.leave,
                    self.reset,
                    self.reopen,
                    self.add_chapter,
                    self.lose_chapter,
                    self.judge_certificate,
                ),
                *(self.add_student, self.add_course, self.lose_student, self.lose_course),
                *(self.rename, self.promote, self.lose_some),
            )
        )
        with at(self.moment), suppress(Refusal, IntegrityError, IndexError):
            happens()

    def pause(self) -> int:
        return self.random.randrange(1, 5_000)

    def request(self) -> None:
        a_request(*self._pair())

    def decide(self) -> None:
        verb = self.random.choice([enrollment.approve, enrollment.approve, enrollment.reject])
        verb(self._any(AccessRequest), by=self.admin, reason="Why not")

    def undo(self) -> None:
        enrollment.undo_decision(self._any(Decision, latest=True), by=self.admin)

    def cancel(self) -> None:
        request = db.session.get_one(AccessRequest, self._any(AccessRequest))
        number, student = request.id, request.student_id
        db.session.rollback()
        enrollment.cancel_request(number, by=student)

    def join(self) -> None:
        enrollment.enroll_directly(*self._pair())

    def enroll(self) -> None:
        enrollment.enroll(*self._pair(), by=self.admin, reason="Late")

    def unenroll(self) -> None:
        enrollment.unenroll(*self._enrolled(), by=self.admin)

    def leave(self) -> None:
        enrollment.leave(*self._enrolled())

    def reset(self) -> None:
        enrollment.reset_progress(*self._enrolled(), by=self.admin, reason="Again")

    def pay(self) -> None:
        student, course = self._pair()
        number = str(self.random.random())
        paid = ManualPayment(student, course, 900, "eur", "transfer", number)
        record_payment(paid, by=self.admin)

    def refund(self) -> None:
        record_refund(self._any(Payment), by=self.admin)

    def put_on_roster(self) -> None:
        self._apply_roster("enroll", [self._pair() for _ in range(3)])

    def take_off_roster(self) -> None:
        self._apply_roster("unenroll", [self._enrolled()])

    def undo_roster(self) -> None:
        sync.undo(self._any(SyncRun, latest=True), by=self.admin)

    def import_old(self) -> None:
        student, course = self._pair()
        begun = self.moment - timedelta(days=self.random.randrange(1_000))
        active = self.random.choice([None, begun + timedelta(hours=5)])
        _import(Source(student, course, "import"), Past(begun, active, {"old_progress": 7}))

    def learn(self) -> None:
        student, course = self._enrolled()
        chapters = select(Chapter.id).where(Chapter.course_id == course).order_by(Chapter.id)
        chapter = self.random.choice(self._ids(chapters))
        enrollment.complete_chapter(student, chapter)

    def reopen(self) -> None:
        student, course = self._enrolled()
        chapters = select(Chapter.id).where(Chapter.course_id == course).order_by(Chapter.id)
        enrollment.reopen_chapter(student, self.random.choice(self._ids(chapters)))

    def add_chapter(self) -> None:
        a_chapter(self._any(Course))

    def lose_chapter(self) -> None:
        if self.random.random() < 0.3:
            enrollment.delete_chapter(self._any(Chapter), by=self.admin)

    def judge_certificate(self) -> None:
        number = self._any(Certificate)
        if self.random.random() < 0.6:
            enrollment.revoke_certificate(number, by=self.admin, reason="Copied")
        else:
            enrollment.reinstate_certificate(number, by=self.admin)

    def add_student(self) -> None:
        without_limit("request", a_student())

    def add_course(self) -> None:
        course = enrollment.create_course(self._fields(), by=self.admin)
        for _ in range(self.random.randrange(1, 3)):
            a_chapter(course)

    def edit_course(self) -> None:
        enrollment.edit_course(self._any(Course), self._fields(), by=self.admin)

    def lose_student(self) -> None:
        if self.random.random() < 0.3:
            enrollment.delete_user(self._student(), by=self.admin)

    def lose_course(self) -> None:
        if self.random.random() < 0.3:
            enrollment.delete_course(self._any(Course), by=self.admin)

    def rename(self) -> None:
        enrollment.rename_user(self._student(), f"Ada {self.moment:%s}", by=self.admin)

    def promote(self) -> None:
        student = self._student()
        enrollment.change_role(student, "admin", by=self.admin)
        if self.random.random() < 0.8:
            enrollment.change_role(student, "student", by=self.admin)

    def lose_some(self) -> None:
        """Lose one thing and have it repaired, so that repairs are part of the history."""
        if self.random.random() < 0.3:
            sync.auto_fix(by=self.admin)

    def _fields(self) -> CourseFields:
        is_default = self.random.random() < 0.25
        return CourseFields(
            title=self.random.choice(["Algebra", "Botany", "Chemistry"]),
            status=self.random.choice(["published", "published", "active", "draft"]),
            is_public=self.random.random() < 0.7,
            is_default_unlocked=is_default,
            price_cents=self.random.choice([0, 0, 0, 900]),
            requires_approval=self.random.random() < 0.3,
            capacity=None if is_default else self.random.choice([None, None, 2, 5]),
        )

    def _apply_roster(self, action: str, pairs: list[tuple[int, int]]) -> None:
        emails = {row.id: row.email for row in db.session.execute(select(User.id, User.email))}
        db.session.rollback()
        lines = [f"{emails[student]},Ada,{course},{action}" for student, course in pairs]
        self.roster.write_text("\n".join(["email,name,course_id,action", *lines]))
        import_roster(self.roster, apply=True)

    def _student(self) -> int:
        students = select(User.id).where(User.role == "student").order_by(User.id)
        return self.random.choice(self._ids(students))

    def _pair(self) -> tuple[int, int]:
        return self._student(), self._any(Course)

    def _enrolled(self) -> tuple[int, int]:
        rows = db.session.execute(
            select(Enrollment.user_id, Enrollment.course_id).order_by(
                Enrollment.user_id, Enrollment.course_id
            )
        ).all()
        db.session.rollback()
        student, course = self.random.choice(rows)
        return student, course

    def _any(self, model: type[Base], *, latest: bool = False) -> int:
        key: Any = model.__table__.c.id
        found = self._ids(select(key).order_by(key))
        return found[-1] if latest else self.random.choice(found)

    def _ids(self, query: Any) -> list[int]:
        found = list(db.session.scalars(query))
        db.session.rollback()
        return found


@transactional
def _import(session: Session, source: Source, past: Past) -> None:
    intake.lock_school(session)
    intake.let_in(session, [arrival(source, past)])
