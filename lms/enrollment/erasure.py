"""Erasing people: a person asks, an admin grants or refuses; records stay and lose the person."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.people import lock_admins, remove_account
from lms.ledger.audit import record
from lms.ledger.erasing import erase_traces
from lms.ledger.known_person import known_person
from lms.ledger.limits import count
from lms.ledger.locks import lock_user
from lms.live import touch
from lms.messages.catalogue import AccountErased, ErasureRefused
from lms.messages.outbox import farewell_key, queue_email
from lms.messages.rendering import render
from lms.models import Erasure, ErasureRequest, User, wish_mark
from lms.refusals import ErasureChanged, ErasureNotRequested, UserNotFound
from lms.transaction import transactional
from lms.upsert import insert


@transactional
def request_erasure(session: Session, user_id: int, *, reason: str = "") -> None:
    """Ask the school to erase a person; after a refusal they may ask again."""
    lock_user(session, user_id)
    asked = {"reason": reason, "created_at": now(), "refused_at": None, "answer": ""}
    is_new = session.scalar(
        insert(ErasureRequest)
        .values(user_id=user_id, **asked)
        .on_conflict_do_update(
            index_elements=["user_id"], set_=asked, where=ErasureRequest.refused_at.is_not(None)
        )
        .returning(ErasureRequest.user_id)
    )
    if is_new is not None:
        count(session, "erasure", user_id)
        # Not the reason: it goes with the request, or is the person's own to tell.
        record(session, "erasure.requested", by=user_id, student_id=user_id)
        touch(session, "people", "requests", students=[user_id])


@transactional
def withdraw_erasure(session: Session, user_id: int) -> None:
    """Take back one's wish to be forgotten, or the answer to it off one's page."""
    lock_user(session, user_id)
    was_refused = session.execute(
        delete(ErasureRequest)
        .where(ErasureRequest.user_id == user_id)
        .returning(ErasureRequest.refused_at)
    ).one_or_none()
    if was_refused is not None and was_refused.refused_at is None:
        record(session, "erasure.withdrawn", by=user_id, student_id=user_id)
        touch(session, "people", "requests", students=[user_id])


@transactional
def refuse_erasure(session: Session, user_id: int, *, by: int, reason: str, address: str) -> None:
    """Refuse to erase a person, and notify them why; `address` is that of their profile page.

    Raises ErasureNotRequested where nobody asked, or the request was withdrawn.
    """
    user = lock_user(session, user_id)
    asked_at = session.scalar(
        update(ErasureRequest)
        .where(ErasureRequest.user_id == user_id, ErasureRequest.refused_at.is_(None))
        .values(refused_at=now(), answer=reason)
        .returning(ErasureRequest.created_at)
        .execution_options(synchronize_session=False)
    )
    if asked_at is None:
        if session.get(ErasureRequest, user_id) is None:
            raise ErasureNotRequested
        return
    record(session, "erasure.refused", by=by, student_id=user_id, reason=reason)
    message = render(ErasureRefused(user.email, address, reason=reason)).email
    key = f"erasure-refused-{user_id}-{asked_at:%Y%m%d%H%M%S%f}"
    queue_email(session, message, user.email, key=key)
    touch(session, "people", "requests", students=[user_id])


@transactional
def erase_person(
    session: Session,
    person_id: int,
    *,
    by: int | None,
    reason: str = "",
    wish: str | None = None,
) -> None:
    """Delete an account as `delete_user` does, and remove the person from everything that is kept.

    Records go on to say what happened, to 'Erased person 17'. It may be repeated, and also works
    where the account was deleted before. The person gets a last e-mail, which leaves no trace.
    `wish` is the mark of the wish that the admin has read, blank if none waited: raises
    ErasureChanged if that isn't so any more. None erases in any case.
    """
    lock_admins(session)
    if session.get(Erasure, person_id) is not None:
        return
    person = known_person(session, person_id)
    user = session.scalar(select(User).where(User.id == person_id).with_for_update(key_share=True))
    if user is None and not person.names | person.addresses:
        raise UserNotFound
    if wish is not None and wish != _waiting_wish(session, person_id):
        raise ErasureChanged
    session.execute(
        insert(Erasure).values(person_id=person_id, erased_by=by).on_conflict_do_nothing()
    )
    if user is not None:
        remove_account(session, user, by=by, reason=reason)
    record(session, "user.erased", by=by, student_id=person_id, reason=reason)
    erase_traces(session, person)
    if user is not None:
        message = render(AccountErased(user.email, "")).email
        queue_email(session, message, user.email, key=farewell_key(person_id))
    touch(session, "people", "requests", "access", "payments", "sync")


def _waiting_wish(session: Session, person_id: int) -> str:
    asked = select(ErasureRequest.created_at, ErasureRequest.refused_at)
    found = session.execute(asked.where(ErasureRequest.user_id == person_id)).one_or_none()
    return wish_mark(*found) if found else ""
