"""Courses with more students than seats, and offers of seats that are not there."""

from lms import enrollment, sync
from tests.builders import a_course, a_request, a_student
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School

LATER = "2099-01-02 03:04:05.000000"


def an_offer(
    d: Damage, student: int, course: int, *, until: str = LATER, status: str = "open"
) -> None:
    d.run(
        "INSERT INTO offers (student_id, course_id, price_cents, currency, status, created_at,"
        " expires_at, ended_at) VALUES (?, ?, 900, 'eur', ?, ?, ?, NULL)",
        *(student, course, status, LONG_AGO, until),
    )


@injection(needs_attention=True)
def over_capacity(d: Damage, s: School) -> None:
    d.run("UPDATE courses SET capacity = 0 WHERE id = ?", s.algebra)


@injection("refused")
def offer_while_enrolled(d: Damage, s: School) -> None:
    an_offer(d, s.ada, s.algebra)


@injection()
def duplicate_offer(d: Damage, s: School) -> None:
    d.lift("offers")
    an_offer(d, s.bob, s.algebra)
    an_offer(d, s.bob, s.algebra)


@injection()
def offer_past_end(d: Damage, s: School) -> None:
    an_offer(d, s.ada, s.botany, until=LONG_AGO)


@injection("refused")
def offer_without_seat(d: Damage, s: School) -> None:
    d.run(
        "INSERT INTO courses (title, status, price_cents, capacity, created_at)"
        " VALUES ('Dancing', 'published', 900, 0, ?)",
        LONG_AGO,
    )
    [(dancing,)] = d.run("SELECT max(id) FROM courses")
    an_offer(d, s.bob, int(dancing))


def test_an_offer_that_is_over_goes_to_the_next_who_waits(school: School, injure: Injure) -> None:
    sold = a_course("Chemistry", price_cents=900, requires_approval=True, capacity=1)
    first, second = a_student("Cy"), a_student("Di")
    enrollment.approve(a_request(first, sold), by=school.grace)
    a_request(second, sold)

    def let_time_pass(damage: Damage, _: School) -> None:
        damage.run("UPDATE offers SET expires_at = ?", LONG_AGO)

    injure(school, let_time_pass)
    sync.auto_fix(by=None)
    enrollment.fill_free_seats()
    assert [row["status"] for row in contents()["offers"]] == ["expired"]
    [waiting] = contents()["access_requests"]
    assert waiting["seat_since"] is not None


def test_of_offers_without_a_seat_the_latest_ends(school: School, injure: Injure) -> None:
    def offer_both(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET capacity = 1 WHERE id = ?", here.botany)
        an_offer(damage, here.bob, here.botany)
        an_offer(damage, here.ada, here.botany)

    injure(school, offer_both)
    sync.auto_fix(by=None)
    states = {row["student_id"]: row["status"] for row in contents()["offers"]}
    assert states == {school.bob: "open", school.ada: "withdrawn"}
