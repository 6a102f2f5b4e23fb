"""Filters that a person keeps by name, to see the same part of a list again."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lms.ledger.locks import lock_user
from lms.models import SavedFilter
from lms.refusals import Invalid
from lms.transaction import transactional
from lms.upsert import insert

MOST_FILTERS = 20
"""Per person and page: more chips than that are no help."""


@transactional
def save_filter(session: Session, user_id: int, *, page: str, name: str, query: str) -> None:
    """Keep a filter of a page by name; one that had the same name is replaced."""
    lock_user(session, user_id)
    others = session.scalar(
        select(func.count()).where(
            SavedFilter.user_id == user_id, SavedFilter.page == page, SavedFilter.name != name
        )
    )
    if (others or 0) >= MOST_FILTERS:
        raise Invalid("name", f"You can save {MOST_FILTERS} filters per page. Delete one first.")
    session.execute(
        insert(SavedFilter)
        .values(user_id=user_id, page=page, name=name, query=query)
        .on_conflict_do_update(index_elements=["user_id", "page", "name"], set_={"query": query})
    )


@transactional
def delete_filter(session: Session, filter_id: int, *, by: int) -> None:
    """Delete a filter of one's own; anyone else's, or a missing one, is left alone."""
    session.execute(
        delete(SavedFilter).where(SavedFilter.id == filter_id, SavedFilter.user_id == by)
    )
