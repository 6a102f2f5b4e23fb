"""A person's second factors: adding, naming and removing them, and the codes that recover them.

Whatever changes who gets in ends the person's other sessions, and is told them by e-mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from lms import logs
from lms.accounts.answering import occasion
from lms.accounts.codes import digest, matching_step, new_recovery_codes, recovery_hash
from lms.accounts.passkeys import Answered, created
from lms.accounts.sealing import seal
from lms.db import now
from lms.ledger.audit import record
from lms.ledger.locks import lock_user
from lms.ledger.viewing import end_sign_ins
from lms.live import touch
from lms.messages.catalogue import (
    AccountMessage,
    RecoveryCodesMade,
    SecondFactorAdded,
    SecondFactorRemoved,
)
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.models import FactorKind, RecoveryCode, SecondFactor, SignIn, User
from lms.refusals import FactorKnown, Invalid, LastFactor, NoFactor
from lms.transaction import transactional
from lms.upsert import insert

MOST_FACTORS = 10


@dataclass(frozen=True)
class Here:
    """From where a person changes their factors: the one session that goes on."""

    sign_in_id: int
    address: str
    """The page of the portal that the e-mail about it leads to; blank where that is not known."""


def add_app(
    user_id: int, *, secret: str, code: str, name: str, here: Here, keys: Sequence[str]
) -> list[str]:
    """Add an app that has shown by a code that it has the secret.

    Returns recovery codes where the person had none: nobody can see them again.
    """
    step = matching_step(secret, code, now())
    if step is None:
        raise Invalid(
            "code",
            "This isn't the code that the app shows now. Check that the phone's clock is right.",
        )
    kept = {"credential_id": digest(secret), "secret": seal(secret, keys), "last_step": step}
    return _add(user_id, "totp", name=name, here=here, kept=kept)


def add_passkey(user_id: int, answered: Answered, *, name: str, here: Here) -> list[str]:
    """Add a passkey; returns recovery codes where the person had none."""
    passkey = created(answered)
    return _add(user_id, "passkey", name=name, here=here, kept=vars(passkey))


@transactional
def rename_factor(session: Session, user_id: int, factor_id: int, name: str) -> None:
    """Call one of a person's factors something else."""
    session.execute(
        update(SecondFactor)
        .where(SecondFactor.id == factor_id, SecondFactor.user_id == user_id)
        .values(name=name)
    )


@transactional
def remove_factor(
    session: Session, user_id: int, factor_id: int, *, here: Here, is_required: bool
) -> None:
    """Remove one of a person's own factors; with the last one its recovery codes go.

    The last one stays where one is required, so that nobody locks themselves out.
    """
    user = lock_user(session, user_id)
    factors = {factor.id: factor for factor in session.scalars(_of(user_id))}
    if (factor := factors.pop(factor_id, None)) is None:
        return
    if is_required and not factors:
        raise LastFactor
    session.execute(delete(SecondFactor).where(SecondFactor.id == factor_id))
    if not factors:
        _forget_codes(session, user_id)
    message = SecondFactorRemoved(user.email, here.address, factor.name, by_school=False)
    _announce(session, user, message, key=f"factor-removed-{factor_id}")
    _note(session, user_id, "removed", factor.kind, by=user_id, name=factor.name)
    _end_sign_ins(session, user_id, but=here.sign_in_id)


@transactional
def reset_factors(
    session: Session, user_id: int, *, by: int | None, address: str, reason: str = ""
) -> int:
    """Remove all of a person's factors for them, who has lost them; return how many there were.

    They are signed out everywhere, and sign in by password, or set up another factor first.
    """
    user = lock_user(session, user_id)
    removed = list(session.scalars(_of(user_id)))
    if not removed:
        return 0
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    _forget_codes(session, user_id)
    names = ", ".join(factor.name for factor in removed)
    message = SecondFactorRemoved(user.email, address, names, by_school=True)
    _announce(session, user, message, key=f"factors-reset-{removed[-1].id}")
    _note(session, user_id, "reset", "all", by=by, reason=reason, factors=len(removed))
    _end_sign_ins(session, user_id)
    return len(removed)


def forget_factors_since(session: Session, user_id: int, moment: datetime) -> None:
    """Remove what a thief may have added to an account that was locked by the caller."""
    recent = (SecondFactor.user_id == user_id, SecondFactor.created_at >= moment)
    gone = session.scalars(delete(SecondFactor).where(*recent).returning(SecondFactor.id)).all()
    session.execute(
        delete(RecoveryCode).where(
            RecoveryCode.user_id == user_id, RecoveryCode.created_at >= moment
        )
    )
    if gone:
        _note(session, user_id, "reset", "recent", by=user_id, factors=len(gone))
    if session.scalar(_of(user_id)) is None:
        _forget_codes(session, user_id)


@transactional
def make_recovery_codes(session: Session, user_id: int, *, here: Here) -> list[str]:
    """Return a new set of recovery codes, which nobody can see again; earlier ones end."""
    user = lock_user(session, user_id)
    if session.scalar(_of(user_id)) is None:
        raise NoFactor
    message = RecoveryCodesMade(user.email, here.address)
    _announce(session, user, message, key=f"recovery-codes-made-{user_id}-{occasion()}")
    _note(session, user_id, "new recovery codes", "codes", by=user_id)
    _end_sign_ins(session, user_id, but=here.sign_in_id)
    return _new_codes(session, user_id)


@transactional
def _add(
    session: Session,
    user_id: int,
    kind: FactorKind,
    *,
    name: str,
    here: Here,
    kept: dict[str, Any],
) -> list[str]:
    user = lock_user(session, user_id)
    if session.scalar(select(func.count()).select_from(_of(user_id).subquery())) == MOST_FACTORS:
        raise Invalid(
            "name", f"You already have {MOST_FACTORS} second factors. Remove one you don't use."
        )
    factor_id = session.scalar(
        insert(SecondFactor)
        .values(user_id=user_id, kind=kind, name=name, created_at=now(), **kept)
        .on_conflict_do_nothing()
        .returning(SecondFactor.id)
    )
    if factor_id is None:
        raise FactorKnown
    message = SecondFactorAdded(user.email, here.address, name)
    _announce(session, user, message, key=f"factor-added-{factor_id}")
    _note(session, user_id, "added", kind, by=user_id, name=name)
    _end_sign_ins(session, user_id, but=here.sign_in_id)
    has_codes = session.scalar(select(RecoveryCode.id).where(RecoveryCode.user_id == user_id))
    return [] if has_codes else _new_codes(session, user_id)


def _of(user_id: int) -> Any:
    return select(SecondFactor).where(SecondFactor.user_id == user_id).order_by(SecondFactor.id)


def _new_codes(session: Session, user_id: int) -> list[str]:
    _forget_codes(session, user_id)
    codes = new_recovery_codes()
    rows = [
        {"user_id": user_id, "code_hash": recovery_hash(user_id, code), "created_at": now()}
        for code in codes
    ]
    session.execute(insert(RecoveryCode), rows)
    return codes


def _forget_codes(session: Session, user_id: int) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _end_sign_ins(session: Session, user_id: int, *, but: int = 0) -> None:
    end_sign_ins(session, SignIn.user_id == user_id, SignIn.id != but)
    touch(session, "people", students=[user_id])


def _announce(session: Session, user: User, message: AccountMessage, *, key: str) -> None:
    queue_email(session, render(message).email, user.email, key=key)


def _note(
    session: Session,
    user_id: int,
    outcome: str,
    kind: str,
    *,
    by: int | None,
    reason: str = "",
    **details: Any,
) -> None:
    """Write the change into the trail, and a line of it."""
    action = f"factor.{outcome.replace(' ', '_')}"
    record(session, action, by=by, student_id=user_id, reason=reason, kind=kind, **details)
    logs.tell_once_committed(
        session.info, "second factor", outcome=outcome, kind=kind, account=user_id
    )
