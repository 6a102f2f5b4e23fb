"""Requests that should not wait, or no longer."""

import pytest

from lms import enrollment, sync
from lms.refusals import AlreadyReviewed
from tests.builders import a_student
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School, a_request_row


@injection(kept=("decisions",))
def approved_not_enrolled(d: Damage, s: School) -> None:
    a_request_row(d, s.bob, s.algebra, "approved")


@injection(kept=("decisions",))
def decided_not_cleared(d: Damage, s: School) -> None:
    a_request_row(d, s.bob, s.algebra, "rejected")
    a_request_row(d, s.ada, s.algebra, "approved")


@injection("refused")
def pending_while_enrolled(d: Damage, s: School) -> None:
    a_request_row(d, s.ada, s.algebra, "pending")


@injection()
def duplicate_request(d: Damage, s: School) -> None:
    d.lift("access_requests")
    a_request_row(d, s.bob, s.algebra, "pending")
    a_request_row(d, s.bob, s.algebra, "pending")


def test_a_request_found_decided_was_decided_elsewhere_and_for_no_known_reason(
    school: School, injure: Injure
) -> None:
    injure(school, "decided_not_cleared")
    request = next(
        row["id"] for row in contents()["access_requests"] if row["student_id"] == school.bob
    )
    sync.auto_fix(by=None)
    assert {row["reason"] for row in contents()["decisions"]} == {""}
    why = sync.explain(school.bob, school.algebra)
    assert any(reason.endswith("by an earlier system") for reason in why.reasons)
    [recorded] = (entry for entry in why.facts.timeline if entry.action == "request.rejected")
    assert recorded.reason == "Repaired: Decided requests still in the queue"
    with pytest.raises(AlreadyReviewed, match=r"^An earlier system has already rejected"):
        enrollment.approve(request, by=school.grace)


def test_who_is_let_in_waits_no_longer_even_without_the_trigger(
    school: School, injure: Injure
) -> None:
    def approve(damage: Damage, here: School) -> None:
        damage.lift("access_requests")
        a_request_row(damage, here.bob, here.algebra, "approved")
        a_request_row(damage, here.bob, here.algebra, " Pending")

    injure(school, approve)
    preview = sync.auto_fix(by=None, dry_run=True)
    assert sync.auto_fix(by=None).fixed == preview.fixed
    assert contents()["access_requests"] == []


def test_of_two_approved_for_one_seat_the_other_goes_on_waiting(
    school: School, injure: Injure
) -> None:
    late = a_student("Cy")

    def approve_both(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 2 WHERE id = ?", here.algebra)
        for student in (here.bob, late):
            a_request_row(damage, student, here.algebra, "approved")

    injure(school, approve_both)
    sync.auto_fix(by=None)
    assert [row["student_id"] for row in contents()["access_requests"]] == [late]


def test_who_was_approved_for_a_full_course_waits_until_there_is_a_seat(
    school: School, injure: Injure
) -> None:
    def fill(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 1 WHERE id = ?", here.algebra)
        a_request_row(damage, here.bob, here.algebra, "approved")

    injure(school, fill)
    for _ in range(2):
        result = sync.auto_fix(by=None)
        assert result.total == 0
        assert result.remaining["approved_not_enrolled"] == 1
    enrollment.unenroll(school.ada, school.algebra, by=school.grace)
    assert sync.auto_fix(by=None).fixed["approved_not_enrolled"] == 1
    assert sync.explain(school.bob, school.algebra).has_access


def test_a_request_is_no_duplicate_of_an_approved_one_that_waits_for_a_seat(
    school: School, injure: Injure
) -> None:
    def fill(damage: Damage, here: School) -> None:
        damage.lift("access_requests")
        damage.run("UPDATE courses SET capacity = 1 WHERE id = ?", here.algebra)
        a_request_row(damage, here.bob, here.algebra, "approved")
        a_request_row(damage, here.bob, here.algebra, "pending")

    injure(school, fill)
    assert sync.auto_fix(by=None).total == 0
    statuses = [row["status"] for row in contents()["access_requests"]]
    assert statuses == ["approved", "pending"]


def test_what_an_admin_ended_is_not_given_again(school: School, injure: Injure) -> None:
    enrollment.unenroll(school.bob, school.welcome, by=school.grace)
    assert sync.validate().ok
    injure(school, lambda d, s: a_request_row(d, s.bob, s.welcome, "approved"))
    result = sync.auto_fix(by=school.grace)
    assert result.fixed["decided_not_cleared"] == 1
    assert sync.validate().ok
    assert not sync.explain(school.bob, school.welcome).has_access
