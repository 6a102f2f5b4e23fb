"""Sums that are not those of the rows."""

from typing import Any

import pytest
from sqlalchemy import Row

from lms import enrollment, sync
from lms.db import db
from tests.conftest import Sql
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School


@injection(undo="partly")
def daily_count_drift(damage: Damage, _: School) -> None:
    damage.run("UPDATE daily_counts SET value = value + 7 WHERE name = 'enrolled'")


@injection(undo="partly")
def current_count_drift(damage: Damage, school: School) -> None:
    damage.run("DELETE FROM current_counts WHERE course_id = ?", school.algebra)


@pytest.mark.parametrize("table", ["daily_counts", "current_counts"])
def test_sums_that_a_restore_lost_are_counted_again(
    school: School, injure: Injure, sql: Sql, table: str
) -> None:
    before = _summed(sql, table)
    injure(school, lambda damage, _: damage.run(f"DELETE FROM {table}"))
    found = {kind: n for kind, n in sync.validate().counts.items() if n}
    assert found.keys() == {f"{table.removesuffix('s')}_drift"}
    db.session.rollback()
    assert not any(sync.auto_fix(by=None).remaining.values())
    assert _summed(sql, table) == before != []


def test_a_finding_names_a_sum_of_the_course(school: School, sql: Sql) -> None:
    sql(
        "UPDATE current_counts SET value = 5 WHERE course_id = :course AND name = 'enrolled'",
        course=school.algebra,
    )
    [check] = [check for check in sync.validate().checks if check.count]
    [finding] = check.sample
    assert (finding.course_title, finding.expected, finding.actual) == (
        *("Algebra", "enrolled: 1", "enrolled: 5"),
    )


def test_undoing_a_repair_leaves_the_sums_true(school: School, injure: Injure) -> None:
    injure(school, "default_not_granted", "current_count_drift")
    run = sync.auto_fix(by=school.grace).run_id
    assert sync.undo(run, by=school.grace).kept == []
    found = {kind for kind, n in sync.validate().counts.items() if n}
    assert not found & {"daily_count_drift", "current_count_drift"}


def test_a_repair_counts_what_verbs_change_meanwhile_once(
    school: School, injure: Injure, sql: Sql
) -> None:
    injure(school, "current_count_drift")
    enrollment.enroll(school.bob, school.algebra, by=school.grace)
    assert not any(sync.auto_fix(by=None).remaining.values())
    assert sync.validate().ok
    assert sql(
        "SELECT sum(value) FROM current_counts WHERE name = 'enrolled' AND course_id = :course",
        course=school.algebra,
    ) == [(2,)]


def _summed(sql: Sql, table: str) -> list[Row[*tuple[Any, ...]]]:
    keys = "course_id, name, detail" + (", day" if table == "daily_counts" else "")
    summed = f"SELECT {keys}, sum(value) FROM {table} GROUP BY {keys}"
    return sql(f"{summed} HAVING sum(value) <> 0 ORDER BY {keys}")
