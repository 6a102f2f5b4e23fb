"""Certificates: doubled, or missing."""

from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import LONG_AGO, School, certify, complete, first_chapter_raw


@injection()
def duplicate_certificate(d: Damage, s: School) -> None:
    d.lift("certificates")
    certify(d, s.bob, s.algebra, "A")
    certify(d, s.bob, s.algebra, "B")


@injection()
def missing_certificate(d: Damage, s: School) -> None:
    complete(d, s.bob, first_chapter_raw(d, s.welcome))
    d.run(
        "UPDATE enrollments SET progress = 100, completed_at = ? WHERE user_id = ?",
        *(LONG_AGO, s.bob),
    )
    d.run("UPDATE student_progress SET total_progress = 100 WHERE student_id = ?", s.bob)
