"""Offers: an approval holds a seat until it is paid for, declined or over."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from lms import enrollment
from lms.db import now
from lms.enrollment import DecisionMade
from lms.payments import ManualPayment, accept, dismiss, record_payment
from lms.refusals import (
    AlreadyReviewed,
    CourseFull,
    Invalid,
    NotPublic,
    OfferNotFound,
    RequestPending,
)
from lms.school import DEFAULTS
from tests.builders import a_course, a_request, a_student, an_admin
from tests.conftest import Sql
from tests.enrollment.conftest import Refuses, Touches, Trail

STATES = "SELECT student_id, status FROM offers ORDER BY id"
NOTICES = "SELECT user_id, kind FROM notices ORDER BY id"


def a_sold_course(**fields: Any) -> int:
    return a_course(**{"price_cents": 4900, "requires_approval": True, **fields})


def an_offer(student: int, course: int) -> DecisionMade:
    return enrollment.approve(a_request(student, course), by=an_admin())


def let_pass(sql: Sql) -> None:
    """Let the time of all offers be over."""
    sql("UPDATE offers SET expires_at = '2026-01-01 00:00:00.000000'")


def test_an_approval_holds_a_seat_and_enrolls_nobody(
    sql: Sql, trail: Trail, touches: Touches
) -> None:
    student, course, admin = a_student(), a_sold_course(), an_admin()
    request = a_request(student, course)
    trail()
    begun = now()

    with touches("requests", "access", "catalogue", students=[student]):
        made = enrollment.approve(request, by=admin, reason="Welcome.")

    assert made.offer is not None
    assert sql(
        "SELECT id, student_id, course_id, decision_id, price_cents, currency, status FROM offers"
    ) == [(made.offer.id, student, course, made.decision_id, 4900, "eur", "open")]
    days = timedelta(days=DEFAULTS["offer_days"])
    assert begun + days <= made.offer.expires_at <= now() + days
    assert sql("SELECT id FROM enrollments") == []
    assert [entry.action for entry in trail()] == ["request.approved", "offer.made"]
    assert sql(NOTICES) == [(student, "offer")]
    [(reason,)] = sql("SELECT reason FROM notices")
    assert reason == "Welcome."


def test_a_course_with_a_price_that_asks_for_no_approval_is_given_by_one(sql: Sql) -> None:
    assert an_offer(a_student(), a_course(price_cents=900)).offer is None
    assert len(sql("SELECT id FROM enrollments")) == 1


def test_an_offer_keeps_its_price(sql: Sql) -> None:
    course = a_sold_course()
    an_offer(a_student(), course)
    edit(course, price_cents=9900)
    assert sql("SELECT price_cents FROM offers") == [(4900,)]


def test_declining_ends_the_offer_once(sql: Sql, refuses: Refuses) -> None:
    student = a_student()
    made = an_offer(student, a_sold_course())
    assert made.offer is not None
    with pytest.raises(OfferNotFound):
        enrollment.decline_offer(made.offer.id, by=a_student("Bob"))
    enrollment.decline_offer(made.offer.id, by=student)
    assert sql(STATES) == [(student, "declined")]
    with refuses(OfferNotFound):
        enrollment.decline_offer(made.offer.id, by=student)


def test_whom_an_offer_waits_for_needs_no_second_request(refuses: Refuses) -> None:
    student, course = a_student(), a_sold_course()
    an_offer(student, course)
    with refuses(RequestPending):
        enrollment.request_access(student, course)


def test_a_held_seat_is_nobody_elses(sql: Sql, refuses: Refuses) -> None:
    course, admin = a_sold_course(capacity=1), an_admin()
    student, other = a_student(), a_student("Bob")
    an_offer(student, course)
    with refuses(CourseFull):
        enrollment.enroll(other, course, by=admin)
    enrollment.enroll(student, course, by=admin)
    assert sql(STATES) == [(student, "accepted")]


def test_nobody_joins_a_course_that_asks_for_approval(refuses: Refuses) -> None:
    student = a_student()
    course = a_course(is_public=True, requires_approval=True)
    with refuses(NotPublic):
        enrollment.enroll_directly(student, course)


def test_an_offer_that_is_over_holds_no_seat(sql: Sql) -> None:
    course, admin = a_sold_course(capacity=1), an_admin()
    first, second = a_student(), a_student("Bob")
    an_offer(first, course)
    let_pass(sql)
    enrollment.enroll(second, course, by=admin)
    assert sql(STATES) == [(first, "expired")]
    assert (first, "offer") in sql(NOTICES)


def test_the_worker_ends_what_is_over_and_passes_it_on(sql: Sql) -> None:
    course, admin = a_sold_course(capacity=1), an_admin()
    first, second = a_student(), a_student("Bob")
    an_offer(first, course)
    request = a_request(second, course)
    with pytest.raises(CourseFull):
        enrollment.approve(request, by=admin)
    assert enrollment.fill_free_seats() == 0
    let_pass(sql)
    assert enrollment.fill_free_seats() == 1
    assert sql(STATES) == [(first, "expired"), (second, "open")]
    assert sql("SELECT status, decided_by FROM decisions ORDER BY id DESC LIMIT 1") == [
        ("approved", admin)
    ]
    assert enrollment.fill_free_seats() == 0


def test_undoing_an_approval_takes_its_offer_back(sql: Sql) -> None:
    student, course, admin = a_student(), a_sold_course(), an_admin()
    made = an_offer(student, course)
    undone = enrollment.undo_decision(made.decision_id, by=admin)
    assert sql(STATES) == [(student, "withdrawn")]
    assert sql("SELECT id FROM access_requests") == [(undone.request_id,)]


LEAVING = {
    "deactivated": enrollment.deactivate_user,
    "deleted": enrollment.delete_user,
    "made an admin": partial(enrollment.change_role, role="admin"),
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_whoever_leaves_makes_room_for_the_next(sql: Sql, leave: Callable[..., None]) -> None:
    course, first, second = a_sold_course(capacity=1), a_student(), a_student("Bob")
    an_offer(first, course)
    with pytest.raises(CourseFull):
        enrollment.approve(a_request(second, course), by=an_admin())
    leave(first, by=an_admin())
    assert sql("SELECT student_id FROM offers WHERE status = 'open'") == [(second,)]


def test_a_capacity_below_what_is_taken_and_held_is_refused(refuses: Refuses) -> None:
    course = a_sold_course(capacity=2)
    an_offer(a_student(), course)
    enrollment.enroll(a_student("Bob"), course, by=an_admin())
    with refuses(Invalid):
        edit(course, capacity=1)
    with pytest.raises(Invalid, match="1 student is enrolled and 1 seat is held by offers"):
        edit(course, capacity=0)


def test_what_is_free_now_is_given_to_whom_it_was_offered(sql: Sql) -> None:
    student, course = a_student(), a_sold_course(capacity=1)
    an_offer(student, course)
    edit(course, price_cents=0)
    assert sql("SELECT user_id, kind FROM access_sources") == [(student, "approval")]
    assert sql(STATES) == [(student, "accepted")]


def test_a_course_that_closes_ends_its_offers(sql: Sql) -> None:
    student, course = a_student(), a_sold_course()
    an_offer(student, course)
    enrollment.archive_course(course, by=an_admin())
    assert sql(STATES) == [(student, "withdrawn")]
    assert sql(NOTICES)[-1] == (student, "offer")


def test_who_approved_ahead_and_asks_again_learns_what_came_of_it(sql: Sql) -> None:
    course, admin = a_course(capacity=0), an_admin()
    request = a_request(a_student(), course)
    for _ in range(2):
        with pytest.raises(CourseFull):
            enrollment.approve(request, by=admin)
    edit(course, capacity=1, price_cents=0, requires_approval=False)
    made = enrollment.approve(request, by=admin)
    assert sql("SELECT id FROM decisions") == [(made.decision_id,)]
    with pytest.raises(AlreadyReviewed):
        enrollment.approve(request, by=an_admin("Hedy"))
    with pytest.raises(AlreadyReviewed):
        enrollment.reject(request, by=admin)


def edit(course: int, **fields: Any) -> None:
    kept = {"title": "Algebra", "status": "published", "price_cents": 4900}
    values = {**kept, "requires_approval": True, **fields}
    enrollment.edit_course(course, enrollment.CourseFields(**values), by=None)


def test_an_admin_withdraws_an_offer_once_and_its_student_learns_why(
    sql: Sql, refuses: Refuses, trail: Trail
) -> None:
    course, admin = a_sold_course(capacity=1), an_admin()
    first, second = a_student(), a_student("Bob")
    made = an_offer(first, course)
    with pytest.raises(CourseFull):
        enrollment.approve(a_request(second, course), by=admin)
    trail()
    assert made.offer is not None

    whose = enrollment.withdraw_offer(made.offer.id, by=admin, reason="We need the seat.")

    assert whose == (first, course)
    assert sql(STATES) == [(first, "withdrawn"), (second, "open")]
    entry = trail()[0]
    assert (entry.action, entry.reason, entry.actor_id) == (
        *("offer.withdrawn", "We need the seat."),
        admin,
    )
    assert [row.reason for row in sql(f"SELECT reason FROM notices WHERE user_id = {first}")] == [
        *("", "We need the seat.")
    ]
    with refuses(OfferNotFound):
        enrollment.withdraw_offer(made.offer.id, by=admin)
    with refuses(OfferNotFound):
        enrollment.withdraw_offer(10**9, by=admin)


def test_why_somebody_is_locked_out_is_not_for_their_notices(sql: Sql) -> None:
    student = a_student()
    an_offer(student, a_sold_course())
    enrollment.deactivate_user(student, by=an_admin(), reason="Cheated.")
    assert {row.reason for row in sql("SELECT reason FROM notices")} == {""}


def test_who_asks_again_after_an_offer_is_over_gets_a_new_one(sql: Sql) -> None:
    """Nobody has ended the first yet: in a course without a limit no seat has been asked for."""
    student, course = a_student(), a_sold_course()
    an_offer(student, course)
    let_pass(sql)
    again = an_offer(student, course)
    assert again.offer is not None
    assert again.offer.expires_at > now()
    assert sql(STATES) == [(student, "expired"), (student, "open")]
    [(offer,)] = sql("SELECT id FROM offers WHERE status = 'open'")
    assert again.offer.id == offer


def test_approved_again_an_offer_whose_money_is_on_its_way_is_held_longer(sql: Sql) -> None:
    student, course = a_student(), a_sold_course(capacity=1)
    first = an_offer(student, course)
    sql(
        "INSERT INTO payments (user_id, course_id, amount_cents, status, created_at)"
        " VALUES (:student, :course, 4900, 'processing', '2026-01-01 00:00:00.000000')",
        student=student,
        course=course,
    )
    let_pass(sql)
    again = an_offer(student, course)
    assert first.offer is not None
    assert again.offer is not None
    assert (again.offer.id, again.offer.decision_id) == (first.offer.id, again.decision_id)
    assert again.offer.expires_at > now()
    assert sql(STATES) == [(student, "open")]
    sql("UPDATE payments SET status = 'failed'")
    assert enrollment.fill_free_seats() == 0
    assert sql(STATES) == [(student, "open")]


def test_money_in_review_holds_the_seat_until_an_admin_has_decided(sql: Sql) -> None:
    course, student, second, admin = a_sold_course(capacity=1), a_student(), a_student(), an_admin()
    an_offer(student, course)
    with pytest.raises(CourseFull):
        enrollment.approve(a_request(second, course), by=admin)
    less = ManualPayment(student, course, 3900, "eur", "transfer", "2026-0815")
    payment = record_payment(less, by=admin).payment_id
    let_pass(sql)
    assert enrollment.fill_free_seats() == 0
    assert sql(STATES) == [(student, "open")]
    accept(payment, by=admin)
    assert sql(STATES) == [(student, "accepted")]
    assert sql("SELECT user_id FROM enrollments") == [(student,)]


def test_money_that_an_admin_has_reviewed_holds_no_seat(sql: Sql) -> None:
    course, student, admin = a_sold_course(capacity=1), a_student(), an_admin()
    an_offer(student, course)
    less = ManualPayment(student, course, 3900, "eur", "transfer", "2026-0815")
    dismiss(record_payment(less, by=admin).payment_id, by=admin)
    let_pass(sql)
    assert enrollment.fill_free_seats() == 1
    assert sql(STATES) == [(student, "expired")]
