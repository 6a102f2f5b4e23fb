"""What searches compare: each person's name and address without accents and case.

No database can do that to a text on every server, so the worker writes it. A trigger forgets it
with every change of name or address, and until it is written anew searches read these two.
"""

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from lms.ledger.changes import table_of
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
    people = table_of(User)
    missing = (
        select(people.c.id, people.c.name, people.c.email)
        .where(people.c.words.is_(None))
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    words = [
        {"person": person_id, "new": without_accents(f"{name} {email}")}
        for person_id, name, email in session.execute(missing)
    ]
    if words:
        person = people.c.id == bindparam("person")
        session.execute(update(people).where(person).values(words=bindparam("new")), words)
    return len(words)
