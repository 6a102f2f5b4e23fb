"""That somebody took all that is kept of a person out of the portal."""

from sqlalchemy.orm import Session

from lms.ledger.audit import record
from lms.ledger.locks import lock_user
from lms.transaction import transactional


@transactional
def note_export(session: Session, user_id: int, *, by: int | None) -> None:
    """Write down that a person's data were exported: a thief of it leaves a trace."""
    lock_user(session, user_id)
    record(session, "user.exported", by=by, student_id=user_id)
