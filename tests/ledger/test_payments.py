"""What the writer of payments promises."""

import pytest
from sqlalchemy.orm import Session

from lms.ledger.payments import write
from lms.ledger.projection import Projection
from lms.models import Payment
from lms.transaction import transactional
from tests.builders import a_course, a_student
from tests.conftest import Sql

pytestmark = pytest.mark.usefixtures("context")


@transactional
def write_attention(session: Session, attention: str) -> None:
    write(session, session.get_one(Payment, 1), Projection("paid", attention=attention), by=None)


def test_what_was_dismissed_and_is_wrong_again_needs_attention_again(sql: Sql) -> None:
    sql(
        "INSERT INTO payments (user_id, course_id, user_email, course_title, amount_cents,"
        " currency, status, attention, dismissed_attention, created_at)"
        f" VALUES ({a_student()}, {a_course()}, 'ada@example.org', 'Algebra', 4900, 'eur', 'paid',"
        " 'The student paid twice.', 'The student paid twice.', '2026-01-02 03:04:05.000000')"
    )
    write_attention("")
    write_attention("The student paid twice.")
    [payment] = sql("SELECT attention, dismissed_attention FROM payments")
    assert tuple(payment) == ("The student paid twice.", None)
