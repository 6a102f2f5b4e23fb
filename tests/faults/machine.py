"""The portal beside its model: what every machine of random verbs begins with, asks and checks."""

import atexit
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
)
from sqlalchemy import select

from lms import enrollment, sync
from lms.db import db, now
from lms.enrollment import CourseFields
from lms.models import (
    AccessRequest,
    AccessSource,
    Decision,
    Enrollment,
    Offer,
    Payment,
    StudentProgress,
)
from lms.refusals import (
    Refusal,
)
from tests import databases, folders
from tests.builders import a_student, an_admin, without_limit
from tests.faults.model import Model, ModelCourse
from tests.faults.profile import NIGHTLY
from tests.invariants import violations
from tests.snapshots import Snapshots


class Machine(RuleBasedStateMachine):
    """The portal and the model, side by side; which verbs are called, others add."""

    students, courses, chapters = Bundle("students"), Bundle("courses"), Bundle("chapters")
    engine = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self._stack = ExitStack()
        app = databases.portal(self._stack.enter_context(_server(self.engine).migrated()))
        self._stack.enter_context(app.app_context())
        self._stack.callback(db.engine.dispose)
        self.admin = an_admin()
        without_limit("payment", self.admin)
        self.decisions: dict[int, tuple[tuple[int, int], int]] = {}
        self.payments = 0
        self.snapshots = Snapshots()

    def teardown(self) -> None:
        try:
            db.session.remove()
            self.snapshots.assert_told(each=1 if NIGHTLY else 5)
        finally:
            db.session.remove()
            self._stack.close()

    @invariant()
    def the_trail_will_tell(self) -> None:
        self.snapshots.take(now())

    @initialize(target=students)
    def two_students(self) -> Any:
        return multiple(self._student(), self._student())

    @initialize(target=courses)
    def two_courses(self) -> Any:
        return multiple(self._course(ModelCourse()), self._course(ModelCourse(is_public=True)))

    @invariant()
    def portal_and_model_agree(self) -> None:
        self._learn_of_decisions()
        rows = db.session.execute(
            select(Enrollment.user_id, Enrollment.course_id, Enrollment.progress)
        ).all()
        expected = {pair: self.model.progress(pair) for pair in self.model.sources}
        assert {(row[0], row[1]): row[2] for row in rows} == expected
        mirrors = db.session.execute(
            select(
                StudentProgress.student_id,
                StudentProgress.course_id,
                StudentProgress.total_progress,
            )
        ).all()
        assert {(row[0], row[1]): row[2] for row in mirrors} == expected
        pending = db.session.execute(
            select(AccessRequest.student_id, AccessRequest.course_id, AccessRequest.id)
        ).all()
        assert {(row[0], row[1]): row[2] for row in pending} == self.model.pending
        offers = select(Offer.student_id, Offer.course_id).where(Offer.status == "open")
        assert {tuple(row) for row in db.session.execute(offers)} == self.model.offers.keys()
        flags = (
            (AccessRequest.awaits_seat, self.model.waiting),
            (AccessRequest.seat_since.is_not(None), self.model.called),
            (AccessRequest.approved_at.is_not(None), self.model.ahead),
        )
        for flag, expected_pairs in flags:
            found = select(AccessRequest.student_id, AccessRequest.course_id).where(flag)
            assert {tuple(row) for row in db.session.execute(found)} == expected_pairs
        for status, payments in (
            ("undeliverable", self.model.unseated),
            ("needs_review", self.model.reviewed),
        ):
            of_both = (Payment.user_id.is_not(None), Payment.course_id.is_not(None))
            stuck = select(Payment.id).where(Payment.status == status, *of_both)
            assert set(db.session.scalars(stuck)) == payments.keys()
        sources = db.session.execute(
            select(AccessSource.user_id, AccessSource.course_id, AccessSource.kind)
        ).all()
        assert sorted((row[0], row[1], row[2]) for row in sources) == sorted(
            (*pair, kind.split()[0]) for pair, kinds in self.model.sources.items() for kind in kinds
        )

    @invariant()
    def nothing_is_wrong(self) -> None:
        report = sync.validate()
        assert {kind: number for kind, number in report.counts.items() if number} == {}
        assert violations(db.session()) == {}
        db.session.rollback()

    def _is_late_for(self, _decision: int) -> bool:
        """Return whether it can't be undone any more, which takes longer than a machine runs."""
        return False

    def _learn_of_decisions(self) -> None:
        """Ask for the numbers of the decisions that a free seat has carried out."""
        for pair, number in self.model.carried_out:
            found = select(Decision.id).where(Decision.request_id == number)
            self.decisions[db.session.scalars(found).one()] = (pair, number)
        self.model.carried_out.clear()

    def _offer(self, pair: tuple[int, int]) -> int:
        held = (Offer.student_id == pair[0], Offer.course_id == pair[1], Offer.status == "open")
        return db.session.scalars(select(Offer.id).where(*held)).one()

    def _student(self) -> int:
        student = a_student()
        without_limit("request", student)
        self.model.students.add(student)
        self.model.give_defaults()
        return student

    def _course(self, course: ModelCourse) -> int:
        number = enrollment.create_course(fields_of(course), by=self.admin)
        self.model.courses[number] = ModelCourse(**vars(course))
        self.model.give_defaults()
        return number

    def _course_of(self, chapter: int) -> int | None:
        found = (n for n, course in self.model.courses.items() if chapter in course.chapters)
        return next(found, None)

    def _some_pending(self, data: Any) -> tuple[int, int]:
        pair: tuple[int, int] = data.draw(st.sampled_from(sorted(self.model.pending)))
        return pair

    def _learn(
        self,
        verb: Callable[[int, int], Any],
        student: int,
        chapter: int,
        remember: Callable[[tuple[int, int]], None],
    ) -> None:
        course = self._course_of(chapter)
        if course is None or (student, course) not in self.model.sources:
            self._refused(Refusal, verb, student, chapter)
            return
        result = verb(student, chapter)
        remember((student, chapter))
        assert result.progress == self.model.progress((student, course))

    def _refused(
        self, refusal: type[Refusal], verb: Callable[..., Any], *values: Any, **named: Any
    ) -> None:
        with pytest.raises(refusal):
            verb(*values, **named)


def fields_of(course: ModelCourse) -> CourseFields:
    return CourseFields(
        title="Course",
        status="published" if course.is_visible else "draft",
        is_public=course.is_public,
        is_default_unlocked=course.is_default,
        price_cents=course.price,
        requires_approval=course.asks_first,
        capacity=course.capacity,
    )


@cache
def _server(engine: str) -> databases.Server:
    """Return one server for all rounds, so that the schema is made once."""
    if engine == "postgresql":
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        server = databases.Postgresql(f"machines_{worker}")
        atexit.register(server.close)
        return server
    folder = tempfile.TemporaryDirectory(prefix="lms-machines-", dir=folders.fastest())
    atexit.register(folder.cleanup)
    return databases.Sqlite(Path(folder.name))
