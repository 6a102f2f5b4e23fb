"""Courses with more students than seats."""

from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School


@injection(needs_attention=True)
def over_capacity(d: Damage, s: School) -> None:
    d.run("UPDATE courses SET capacity = 0 WHERE id = ?", s.algebra)
