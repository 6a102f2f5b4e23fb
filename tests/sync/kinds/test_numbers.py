"""Fractions and texts where numbers belong: only SQLite lets them in, past its triggers."""

import pytest

from lms import enrollment, sync
from lms.db import db
from lms.queries import sync as runs
from tests.databases import Sqlite
from tests.invariants import assert_invariants
from tests.sync.conftest import Injure, contents
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.lifecycle import live_through
from tests.sync.school import School, a_payment


@pytest.fixture
def server(sqlite: Sqlite) -> Sqlite:
    """The engine whose columns take anything."""
    return sqlite


@injection("refused", is_for_sqlite=True)
def wrong_type(d: Damage, s: School) -> None:
    d.run("UPDATE users SET is_active = 7 WHERE id = ?", s.ada)
    d.run("UPDATE chapters SET position = 1.5 WHERE id = 1")


def test_a_wrong_type_is_found_previewed_repaired_and_not_brought_back(
    school: School, injure: Injure
) -> None:
    live_through(school, injure, "wrong_type")


def _mistype(damage: Damage, here: School) -> None:
    damage.run("UPDATE users SET is_active = 7, version = 'x', emails_requests = 'true'")
    damage.run("UPDATE chapters SET position = 1.5 WHERE id = 1")
    damage.run("UPDATE courses SET capacity = 'abc', is_public = 'f' WHERE id = ?", here.algebra)
    damage.run("UPDATE courses SET capacity = 10.5 WHERE id = ?", here.botany)
    damage.run("UPDATE enrollments SET progress = 50.5 WHERE course_id = ?", here.algebra)
    damage.run(
        "UPDATE student_progress SET total_progress = 50.5 WHERE course_id = ?", here.algebra
    )
    damage.run("UPDATE student_progress SET total_progress = 'x' WHERE course_id = ?", here.welcome)


def test_what_a_number_means_is_repaired_and_seats_are_asked_for(
    school: School, injure: Injure
) -> None:
    injure(school, _mistype)
    enrollment.complete_chapter(school.ada, 2)  # a wrong value stands in the way of no other change
    db.session.rollback()
    preview = sync.auto_fix(by=None, dry_run=True)
    assert preview.fixed["wrong_type"] == 6
    result = sync.auto_fix(by=None)
    assert result.fixed["wrong_type"] == 6
    assert not any(result.remaining.values())
    assert_invariants(db.session())
    stored = contents()
    users = {(row["is_active"], row["emails_requests"]) for row in stored["users"]}
    assert users == {(1, 1)}
    seats = {row["id"]: (row["capacity"], row["is_public"]) for row in stored["courses"]}
    assert seats[school.algebra] == (None, 0)
    assert seats[school.botany][0] == 10
    assert {row["progress"] for row in stored["enrollments"]} == {0, 50}
    asked = {(row.kind, row.table_name, row.course_id, row.reason) for row in runs.attention()}
    assert asked == {
        ("wrong_type", "courses", course, f"The capacity was “{was}”. {now}. {todo}")
        for course, was, now, todo in (
            (school.algebra, "abc", "The course now has no limit", "Set the correct capacity."),
            (school.botany, "10.5", "It is now 10", "Set the correct capacity."),
        )
    }
    undone = sync.undo(result.run_id, by=school.grace)
    assert all("wrong type" in row.reason for row in undone.kept if row.table == "courses")


def test_no_price_and_no_amount_is_guessed(school: School, injure: Injure) -> None:
    def mistype(damage: Damage, here: School) -> None:
        damage.run("UPDATE courses SET price_cents = 0.5 WHERE id = ?", here.botany)
        payment = a_payment(damage, here.bob, here.botany, "failed")
        damage.run("UPDATE payments SET amount_cents = 100.5 WHERE id = ?", payment)

    injure(school, mistype)
    before = contents()
    result = sync.auto_fix(by=None)
    assert (result.total, result.remaining["wrong_type"]) == (0, 2)
    assert contents() == before
    [check] = [each for each in sync.validate().checks if each.kind == "wrong_type"]
    assert [row.actual for row in check.sample] == ["0.5", "100.5"]
    assert all(row.attention for row in check.sample)
