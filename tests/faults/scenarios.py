"""What is killed in the middle: a deed, on a school of its own, and how it must end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from lms import enrollment, payments
from lms.db import db
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from lms.queries import student as learning
from lms.refusals import AlreadyReviewed, AlreadyUndone
from tests.builders import a_chapter, a_course, a_public_course, a_request, a_student, an_admin
from tests.payments.raced import deliver

ORIGIN = "http://localhost"


@dataclass(frozen=True)
class World:
    """The portal's side of Stripe, and Stripe's."""

    stripe: StripeStandIn
    gateway: Gateway


@dataclass(frozen=True)
class Scenario:
    """A deed that may be killed at any line and done again, and what must be true in the end."""

    act: Callable[[], object]
    check: Callable[[], None]
    harmless: type[Exception] | None = None
    """What the second attempt may answer when the first one had done it all."""


def approving(_world: World) -> Scenario:
    student, course, admin = a_student(), a_course(chapters=2), an_admin()
    request = a_request(student, course)

    def check() -> None:
        assert _number("decisions", request_id=request, status="approved") == 1
        assert _sources(student, course) == ["approval"]
        assert _number("audit_entries", action="request.approved", student_id=student) == 1

    return Scenario(lambda: enrollment.approve(request, by=admin), check, AlreadyReviewed)


def undoing(_world: World) -> Scenario:
    student, course, admin = a_student(), a_course(chapters=2), an_admin()
    decision = enrollment.approve(a_request(student, course), by=admin).decision_id

    def check() -> None:
        assert _number("decision_reversals", decision_id=decision) == 1
        assert _sources(student, course) == []
        assert _number("access_requests", student_id=student) == 1
        assert _number("audit_entries", action="decision.undone", student_id=student) == 1

    return Scenario(lambda: enrollment.undo_decision(decision, by=admin), check, AlreadyUndone)


def enrolling(_world: World) -> Scenario:
    student, course = a_student(), a_public_course(chapters=2)
    a_request(student, course)

    def check() -> None:
        assert _sources(student, course) == ["direct"]
        assert _number("access_requests", student_id=student) == 0
        assert _number("audit_entries", action="access.granted", student_id=student) == 1

    return Scenario(lambda: enrollment.enroll_directly(student, course), check)


def learning_all(_world: World) -> Scenario:
    student, course = a_student(), a_public_course()
    chapter = a_chapter(course)
    enrollment.enroll_directly(student, course)

    def check() -> None:
        assert learning.stats(student).completed_courses == 1
        assert _number("chapter_completions", student_id=student) == 1

    return Scenario(lambda: enrollment.complete_chapter(student, chapter), check)


def deleting(_world: World) -> Scenario:
    student, course, admin = a_student(), a_public_course(chapters=2), an_admin()
    enrollment.enroll_directly(student, course)

    def act() -> None:
        if _number("courses", id=course):
            enrollment.delete_course(course, by=admin)

    def check() -> None:
        assert _number("enrollments", user_id=student) == 0
        assert _number("audit_entries", action="course.deleted", course_id=course) == 1

    return Scenario(act, check)


def hearing_of_a_payment(world: World) -> Scenario:
    student, course = a_student(), a_course("Bread", price_cents=4900, chapters=1)
    world.stripe.pay(payments.buy(world.gateway, student, course, origin=ORIGIN))
    body, headers = world.stripe.signed(world.stripe.events("checkout.session.completed")[-1])

    def act() -> None:
        assert deliver(body, headers, world.stripe.webhook_secret)[0] == 200

    return Scenario(act, lambda: _check_bought(student, course))


def buying(world: World) -> Scenario:
    student, course = a_student(), a_course("Bread", price_cents=4900, chapters=1)
    opened: list[str] = []

    def act() -> None:
        opened.append(payments.buy(world.gateway, student, course, origin=ORIGIN))

    def check() -> None:
        assert _number("payments", user_id=student) == 1
        world.stripe.pay(opened[-1])
        assert payments.reconcile(world.gateway).is_complete
        _check_bought(student, course)

    return Scenario(act, check)


def reconciling(world: World) -> Scenario:
    student, course = a_student(), a_course("Bread", price_cents=4900, chapters=1)
    world.stripe.pay(payments.buy(world.gateway, student, course, origin=ORIGIN))

    def act() -> None:
        assert payments.reconcile(world.gateway).is_complete

    return Scenario(act, lambda: _check_bought(student, course))


def refunding(world: World) -> Scenario:
    student, course, admin = a_student(), a_course("Bread", price_cents=4900), an_admin()
    world.stripe.pay(payments.buy(world.gateway, student, course, origin=ORIGIN))
    payments.reconcile(world.gateway)
    [payment] = _rows("payments", user_id=student)
    before = len(world.stripe.events("refund.created"))

    def act() -> None:  # whoever presses again does so on the same form
        payments.request_refund(
            world.gateway, payment.id, key=f"form-{payment.id}", amount_cents=1000, by=admin
        )

    def check() -> None:
        assert payments.reconcile(world.gateway).is_complete
        assert len(world.stripe.events("refund.created")) == before + 1
        [refunded] = _rows("payments", user_id=student)
        assert (refunded.status, refunded.refunded_cents) == ("partially_refunded", 1000)
        assert _sources(student, course) == ["payment"]

    return Scenario(act, check)


def closing(world: World) -> Scenario:
    student, course = a_student(), a_course("Bread", price_cents=4900)
    url = payments.buy(world.gateway, student, course, origin=ORIGIN)

    def act() -> None:
        enrollment.archive_course(course, by=None)
        payments.close_checkouts(world.gateway)

    def check() -> None:
        [payment] = _rows("payments", user_id=student)
        assert payment.status == "expired"
        assert world.gateway.checkout(url.rpartition("/")[2]).fact.state == "expired"

    return Scenario(act, check)


ALL = (
    approving,
    undoing,
    enrolling,
    learning_all,
    deleting,
    hearing_of_a_payment,
    buying,
    reconciling,
    refunding,
    closing,
)


def _check_bought(student: int, course: int) -> None:
    [payment] = _rows("payments", user_id=student)
    assert payment.status == "paid"
    assert _sources(student, course) == ["payment"]
    assert _number("audit_entries", action="payment.paid", student_id=student) == 1
    assert _number("outbox_emails", recipient=payment.user_email) == 1


def _sources(student: int, course: int) -> list[str]:
    assert _number("enrollments", user_id=student, course_id=course) == _number(
        "student_progress", student_id=student, course_id=course
    )
    return [row.kind for row in _rows("access_sources", user_id=student, course_id=course)]


def _number(table: str, **values: object) -> int:
    return len(_rows(table, **values))


def _rows(table: str, **values: object) -> list[Any]:
    where = " AND ".join(f"{name} = :{name}" for name in values)
    rows = db.session.execute(text(f"SELECT * FROM {table} WHERE {where}"), values).all()
    db.session.rollback()
    return list(rows)
