"""Statuses in other cases, and unknown ones."""

from lms import sync
from lms.queries.sync import attention
from tests.sync.conftest import Injure
from tests.sync.damage import Damage
from tests.sync.injections import injection
from tests.sync.school import School, a_payment, a_request_row


@injection()
def status_not_normalized(d: Damage, s: School) -> None:
    d.lift("courses", "payments", "access_requests")
    d.run("UPDATE courses SET status = ' Published ' WHERE id = ?", s.algebra)
    d.run("UPDATE courses SET status = 'secret' WHERE id = ?", s.botany)
    a_payment(d, s.bob, s.botany, "Failed")
    a_request_row(d, s.bob, s.algebra, "PENDING")


def test_a_status_that_nobody_knows_is_shown_to_the_admin(school: School, injure: Injure) -> None:
    injure(school, "status_not_normalized")
    sync.auto_fix(by=None)
    [asked] = attention()
    assert "“secret”" in asked.reason
