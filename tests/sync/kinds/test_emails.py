"""E-mail addresses with capitals and blanks, and shared ones."""

from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School


@injection()
def email_not_normalized(d: Damage, s: School) -> None:
    d.lift("users")
    d.run("UPDATE users SET email = ' Ada@Example.ORG ' WHERE id = ?", s.ada)


@injection(needs_attention=True)
def duplicate_email(d: Damage, _: School) -> None:
    d.lift("users")
    d.run("UPDATE users SET email = 'x@example.org' WHERE role = 'student'")
