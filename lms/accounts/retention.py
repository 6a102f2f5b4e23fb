"""What is forgotten after its time: the worker asks for it once a day, or as often as it says."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Delete, delete, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from lms.accounts.verification import VALID_DAYS
from lms.db import now
from lms.ledger.viewing import end_sign_ins
from lms.live import touch
from lms.messages.outbox import purge_emails
from lms.models import (
    AddressChange,
    Allowance,
    AuditEntry,
    Enrollment,
    FormerAddress,
    InterruptedForm,
    OutboxEmail,
    SignIn,
    SpentChallenge,
    User,
)
from lms.transaction import transactional

T = TypeVar("T")

UNPROVEN_DAYS = 14
"""How long an account is kept whose link has expired without anybody opening it."""
_AT_ONCE = 1_000
"""Rows in one transaction: nobody may wait long for a purge."""


def forget_expired() -> dict[str, int]:
    """Delete what has had its time, and return how many rows of each kind there were."""
    kinds: dict[str, Callable[[int], int]] = {
        "emails": purge_emails,
        "unproven_accounts": _forget_unproven,
        "sign_ins": _forget_sign_ins,
        "chosen_addresses": _ended(
            delete(AddressChange), AddressChange.id, AddressChange.expires_at
        ),
        "former_addresses": _ended(
            delete(FormerAddress), FormerAddress.id, FormerAddress.undo_until
        ),
        "interrupted_forms": _ended(
            delete(InterruptedForm), InterruptedForm.key_hash, InterruptedForm.expires_at
        ),
        "spent_challenges": _ended(
            delete(SpentChallenge), SpentChallenge.challenge_hash, SpentChallenge.expires_at
        ),
    }
    return {kind: _until_none_is_left(purge) for kind, purge in kinds.items()}


def forget_allowances() -> int:
    """Delete what counts against limits no more, and return how many rows there were."""
    return _until_none_is_left(_ended(delete(Allowance), Allowance.key, Allowance.expires_at))


def _ended(
    rows: Delete, key: InstrumentedAttribute[Any], until: InstrumentedAttribute[Any]
) -> Callable[[int], int]:
    return partial(_forget, rows=rows, key=key, until=until)


def _until_none_is_left(purge: Callable[[int], int]) -> int:
    total = 0
    while gone := purge(_AT_ONCE):
        total += gone
    return total


@transactional
def _forget_unproven(session: Session, limit: int) -> int:
    """Delete accounts that somebody registered and nobody has confirmed.

    Not those that an admin or a roster has anything to do with, however long their owners wait.
    """
    moment = now()
    lately = OutboxEmail.created_at > moment - timedelta(days=VALID_DAYS)
    due = _due(
        *(session, limit, User.id, ~User.is_proven),
        User.created_at <= moment - timedelta(days=VALID_DAYS + UNPROVEN_DAYS),
        ~exists().where(AuditEntry.student_id == User.id, AuditEntry.action == "user.added"),
        ~exists().where(Enrollment.user_id == User.id),
        User.email.not_in(select(OutboxEmail.recipient).where(lately)),  # the link was sent again
    )
    session.execute(delete(User).where(User.id.in_(due)))
    if due:
        touch(session, "people")
    return len(due)


@transactional
def _forget_sign_ins(session: Session, limit: int) -> int:
    """Delete sign-ins that have ended, and tell what their admins saw as students until then."""
    due = _due(session, limit, SignIn.id, SignIn.expires_at <= now())
    return len(end_sign_ins(session, SignIn.id.in_(due)))


@transactional
def _forget(
    session: Session,
    limit: int,
    rows: Delete,
    key: InstrumentedAttribute[Any],
    until: InstrumentedAttribute[Any],
) -> int:
    """Delete rows that were good until a time that is over."""
    due = _due(session, limit, key, until <= now())
    session.execute(rows.where(key.in_(due)))
    return len(due)


def _due(
    session: Session, limit: int, key: InstrumentedAttribute[T], *which: ColumnElement[bool]
) -> Sequence[T]:
    """Return the keys of some rows that have had their time, and lock those.

    What is renewed at the same moment stays, and what is locked stays until tomorrow.
    """
    due = select(key).where(*which).order_by(key).limit(limit)
    return session.scalars(due.with_for_update(skip_locked=True)).all()
