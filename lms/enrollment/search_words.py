"""What searches compare: each person's name and address without accents and case.

No database can do that to a text on every server, so the worker writes it. A trigger forgets it
with every change of name or address, and until it is written anew searches read these two.
"""

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from lms.models import User
from lms.texts import without_accents
from lms.transaction import transactional

_BATCH = 1_000


def write_search_words() -> int:
    """Write what is missing, in short transactions; return for how many people."""
    written = 0
    while number := _write_some():
        written += number
    return written


@transactional
def _write_some(session: Session) -> int:
    missing = (
        select(User.id, User.name, User.email)
        .where(User.words.is_(None))
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    words = [
        {"person": person_id, "new": without_accents(f"{name} {email}")}
        for person_id, name, email in session.execute(missing)
    ]
    if words:
        written = update(User).where(User.id == bindparam("person")).values(words=bindparam("new"))
        session.connection().execute(written, words)  # not the ORM's way, which takes no condition
    return len(words)
