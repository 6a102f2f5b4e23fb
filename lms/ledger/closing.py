"""Closing a month: from then on the database takes no entry for it."""

from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.audit import record
from lms.ledger.book_clocks import book_clocks
from lms.ledger.fact_rows import lock_facts
from lms.ledger.months import Month
from lms.ledger.movements import book_month
from lms.ledger.unexplained import unexplained
from lms.live import touch
from lms.models import ClosedMonth
from lms.refusals import Invalid
from lms.upsert import insert


def close(session: Session, month: Month, *, by: int | None) -> bool:
    """Close the books of a month, with what they lack and what nothing explains; once only.

    False if it is closed already. Raises Invalid for a month that isn't over: it will have further
    entries, and no later one has begun in which they could be corrections.
    """
    lock_facts(session)  # first: who has the books follow another zone holds them, too
    if not book_clocks(session).is_over(month):
        begun = f"You can close its books once {month.next.name} has begun."
        raise Invalid("month", f"{month.name} isn't over yet. {begun}")
    book_month(session, month)
    left = unexplained(session, month)
    closed = session.scalar(
        insert(ClosedMonth)
        .values(month=str(month), closed_at=now(), closed_by=by, unexplained=left)
        .on_conflict_do_nothing()
        .returning(ClosedMonth.month)
    )
    if closed is None:
        return False
    record(session, "books.closed", by=by, month=str(month), unexplained=len(left))
    touch(session, "payments")
    return True
