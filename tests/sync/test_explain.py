"""Why a student has access or not, in words, and the way to change it."""

from datetime import timedelta

import pytest

from lms import enrollment, sync
from lms.refusals import CourseNotFound, StudentNotFound
from tests.builders import a_course, a_public_course, a_request
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.school import School, a_payment


def test_an_enrolled_student_is_told_with_every_reason(school: School) -> None:
    why = sync.explain(school.ada, school.algebra)
    assert why.has_access
    assert why.verdict == "Ada has access to Algebra: enrolled by an admin."
    assert "completed 1 of 4 chapters" in why.reasons
    assert why.action.startswith("To end access, unenroll")
    assert [entry.action for entry in why.facts.timeline] == ["access.granted"]
    assert any("access.granted by Grace" in line for line in why.lines())


def test_a_waiting_student_is_told_to_be_approved(school: School) -> None:
    a_request(school.bob, school.algebra)
    why = sync.explain(school.bob, school.algebra)
    assert why.verdict == "Bob has no access to Algebra."
    assert why.action == "Approve the waiting request, or enroll the student."


def test_a_rejected_request_is_told_with_who_and_why(school: School) -> None:
    request_id = a_request(school.bob, school.algebra)
    decided = enrollment.reject(request_id, by=school.grace, reason="Too early")
    why = sync.explain(school.bob, school.algebra)
    assert any("rejected" in reason and "Grace: Too early" in reason for reason in why.reasons)
    assert why.action == "The student can request access; an admin can also enroll them."
    enrollment.undo_decision(decided.decision_id, by=school.grace)
    undone = "by Grace: Too early (undone by Grace)"
    assert any(undone in reason for reason in sync.explain(school.bob, school.algebra).reasons)


def test_each_kind_of_course_has_its_way_in(school: School) -> None:
    assert "can buy" in sync.explain(school.bob, school.botany).action
    assert "can enroll directly" in sync.explain(school.bob, a_public_course()).action
    assert "draft: publish it" in sync.explain(school.bob, a_course(status="draft")).action
    assert "is full" in sync.explain(school.bob, a_course(capacity=0)).action
    assert "This is an admin account" in sync.explain(school.grace, school.algebra).action


def test_an_ended_default_says_that_it_was_waived(school: School) -> None:
    enrollment.unenroll(school.bob, school.welcome, by=school.grace)
    why = sync.explain(school.bob, school.welcome)
    assert any("not enrolled automatically" in reason for reason in why.reasons)
    assert "like everyone else" in why.action


def test_a_deactivated_student_is_told_so(school: School) -> None:
    enrollment.deactivate_user(school.ada, by=school.grace)
    why = sync.explain(school.ada, school.algebra)
    assert "deactivated" in why.verdict
    assert why.action.startswith("Reactivate")


def test_an_address_that_is_not_confirmed_is_the_reason(school: School) -> None:
    student = enrollment.register_student(
        email="new@example.org", name="New", password_hash="x", again_after=timedelta(), place=""
    )
    assert student is not None
    assert "isn't confirmed" in sync.explain(student, school.welcome).action
    assert sync.validate().counts["default_not_granted"] == 0


def test_an_undelivered_payment_comes_first(school: School, injure: Injure) -> None:
    def pay(damage: Damage, here: School) -> None:
        a_payment(damage, here.bob, here.botany, "undeliverable")

    injure(school, pay)
    assert sync.explain(school.bob, school.botany).action.startswith("The student has paid")


def test_a_disputed_payment_is_what_suspends_access(school: School, injure: Injure) -> None:
    def pay(damage: Damage, here: School) -> None:
        a_payment(damage, here.bob, here.botany, "disputed")

    injure(school, pay)
    assert "bank disputes the payment" in sync.explain(school.bob, school.botany).action


def test_a_violation_is_named_with_its_repair(school: School, injure: Injure) -> None:
    injure(school, "progress_drift")
    why = sync.explain(school.ada, school.algebra)
    assert [violation.kind for violation in why.violations] == ["progress_drift"]
    assert "The next repair" in why.action
    assert any("violation progress_drift: expected 25, found 60" in line for line in why.lines())


def test_unknown_people_and_courses_are_refused(school: School) -> None:
    with pytest.raises(StudentNotFound):
        sync.explain(4711, school.algebra)
    with pytest.raises(CourseNotFound):
        sync.explain(school.ada, 4711)
