"""The second step of a sign-in, and whatever else takes a person's second factor for granted.

After the right password of somebody who has a second factor no session exists yet. Each code and
each answer of a passkey works once: the UPDATE, DELETE or INSERT that accepts it decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from lms import logs
from lms.accounts.codes import is_recovery_code, matching_step, recovery_hash
from lms.accounts.limit import CodeTries, SignInLimit, Tries, count_failure
from lms.accounts.links import Account, opened, sign
from lms.accounts.passkeys import CHALLENGE_SECONDS, Answered, verified_count
from lms.accounts.sealing import seal, unsealed
from lms.accounts.sign_in import add_sign_in, locked_account, new_token
from lms.db import now
from lms.ledger.audit import record
from lms.messages.catalogue import RecoveryCodeUsed
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.models import RecoveryCode, SecondFactor, SpentChallenge, User
from lms.refusals import CodeUsed, PasskeyRefused, RateLimited, Refusal, WrongCode, WrongCredentials
from lms.transaction import transactional
from lms.upsert import insert

STEP_SECONDS = 600
"""How long after the password the second step may come."""


@dataclass(frozen=True)
class Typed:
    """A code as it was typed: an app's, or one that recovers a lost factor."""

    text: str
    keys: Sequence[str]
    address: str = ""
    """Where the e-mail about a recovery code leads."""


Shown = Typed | Answered
"""What a person shows: a code or a passkey."""


def second_step(account: Account, *, keys: Sequence[str]) -> str:
    """Return what lets the browser that sent the right password take the second step."""
    return sign(account, "second-step", secret=list(keys))


def halfway(state: str, *, keys: Sequence[str]) -> Account | None:
    """Return who has shown the password; None once that is too long ago, or it has changed."""
    return opened(state, "second-step", secret=list(keys), valid_seconds=STEP_SECONDS)


def take_second_step(
    account: Account, shown: Shown, *, limit: SignInLimit, device: str = "", remember: bool = False
) -> str:
    """Return the token of a new sign-in, begun by a second factor after the password."""
    token = new_token()

    def begin(session: Session, user: User) -> None:
        add_sign_in(session, user.id, token, device=device, remember=remember)
        Tries(limit, account.email, account.id).forget(session)

    show(account.id, account.password_hash, shown, limit=limit, then=begin, about="sign-in")
    return token


def sign_in_by_passkey(answered: Answered, *, device: str = "") -> str:
    """Return the token of a new sign-in by a passkey alone, which has checked who holds it."""
    token = new_token()
    try:
        user_id = _begin_alone(answered, token=token, device=device)
    except PasskeyRefused:
        logs.tell("sign-in", outcome="wrong", kind="passkey", account=None)
        raise
    logs.tell("sign-in", outcome="signed in", kind="passkey", account=user_id)
    return token


def show(
    user_id: int,
    known_hash: str,
    shown: Shown,
    *,
    limit: SignInLimit,
    then: Callable[[Session, User], None],
    about: str,
) -> None:
    """Do something in the transaction that accepts a person's second factor.

    Raises WrongCode and its like, and RateLimited after too many codes of an app.
    """
    try:
        kind = _show(user_id, known_hash, shown, limit=limit, then=then)
    except (WrongCode, PasskeyRefused) as refusal:
        outcome = "used" if isinstance(refusal, CodeUsed) else "wrong"
        is_guess = _is_guessable(shown) and not isinstance(refusal, CodeUsed)
        tries = CodeTries(limit, user_id, known_hash)
        seconds = count_failure(tries) if is_guess else 0
        outcome = "too many tries" if seconds else outcome
        logs.tell("second factor", outcome=outcome, about=about, account=user_id)
        if seconds:
            raise RateLimited(retry_after=seconds) from None
        raise
    except Refusal as refusal:
        outcome = "too many tries" if isinstance(refusal, RateLimited) else "ended"
        logs.tell("second factor", outcome=outcome, about=about, account=user_id)
        raise
    logs.tell("second factor", outcome="right", kind=kind, about=about, account=user_id)


@transactional
def reseal(session: Session, keys: Sequence[str]) -> int:
    """Encrypt with the present key what a former one had encrypted; return how many secrets."""
    resealed = 0
    present = keys[-1:]
    for factor in session.scalars(select(SecondFactor).where(SecondFactor.kind == "totp")):
        if unsealed(str(factor.secret), present) is not None:
            continue
        if (secret := unsealed(str(factor.secret), keys)) is None:
            continue
        session.execute(
            update(SecondFactor)
            .where(SecondFactor.id == factor.id)
            .values(secret=seal(secret, present))
        )
        resealed += 1
    return resealed


def _is_guessable(shown: Shown) -> bool:
    """Return whether tries are limited: passkeys and recovery codes are too long to be guessed.

    So whoever has used up the tries at an app's codes keeps nobody from those.
    """
    return isinstance(shown, Typed) and not is_recovery_code(shown.text)


@transactional
def _show(
    session: Session,
    user_id: int,
    known_hash: str,
    shown: Shown,
    *,
    limit: SignInLimit,
    then: Callable[[Session, User], None],
) -> str:
    user = locked_account(session, user_id, known_hash)
    tries = CodeTries(limit, user_id, known_hash)
    if _is_guessable(shown):
        # Guesses sent all at once would otherwise each be compared before the first is counted.
        tries.check(session)
    if isinstance(shown, Answered):
        _accept_passkey(session, shown, user_id=user_id)
        kind = "passkey"
    else:
        kind = _accept_code(session, user, shown)
    then(session, user)
    tries.forget(session)
    return kind


@transactional
def _begin_alone(session: Session, answered: Answered, *, token: str, device: str) -> int:
    owner = session.execute(
        select(User.id, User.password_hash)
        .join(SecondFactor, SecondFactor.user_id == User.id)
        .where(SecondFactor.credential_id == answered.credential_id)
        .where(User.is_active, User.is_proven)
    ).one_or_none()
    if owner is None:
        raise PasskeyRefused
    try:
        locked_account(session, owner.id, owner.password_hash)
    except WrongCredentials:  # closed, or its password changed, in this moment
        raise PasskeyRefused from None
    _accept_passkey(session, answered, user_id=owner.id, alone=True)
    add_sign_in(session, owner.id, token, device=device)
    return int(owner.id)


def _accept_code(session: Session, user: User, typed: Typed) -> str:
    moment = now()
    apps = select(SecondFactor).where(SecondFactor.user_id == user.id, SecondFactor.kind == "totp")
    found = session.scalars(apps.order_by(SecondFactor.id)).all()
    for app in found:
        if (secret := unsealed(str(app.secret), typed.keys)) is None:
            logs.warn("an app's secret can't be read with SECRET_KEY", factor=app.id)
            continue
        if (step := matching_step(secret, typed.text, moment)) is None:
            continue
        used = (
            update(SecondFactor)
            .where(SecondFactor.id == app.id, SecondFactor.last_step < step)
            .values(last_step=step, last_used_at=moment)
        )
        if session.scalar(used.returning(SecondFactor.id)) is None:
            raise CodeUsed
        return "totp"
    _use_recovery_code(session, user, typed, has_app=bool(found))
    return "recovery code"


def _use_recovery_code(session: Session, user: User, typed: Typed, *, has_app: bool) -> None:
    used = session.scalar(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user.id)
        .where(RecoveryCode.code_hash == recovery_hash(user.id, typed.text))
        .returning(RecoveryCode.id)
    )
    if used is None:
        raise WrongCode(None if has_app else WrongCode.without_app)
    left = len(
        session.scalars(select(RecoveryCode.id).where(RecoveryCode.user_id == user.id)).all()
    )
    record(session, "factor.recovery_code_used", by=user.id, student_id=user.id, left=left)
    message = RecoveryCodeUsed(user.email, typed.address, left)
    queue_email(session, render(message).email, user.email, key=f"recovery-code-{used}")


def _accept_passkey(
    session: Session, answered: Answered, *, user_id: int, alone: bool = False
) -> None:
    found = session.execute(
        select(SecondFactor.id, SecondFactor.public_key)
        .where(SecondFactor.credential_id == answered.credential_id)
        .where(SecondFactor.user_id == user_id, SecondFactor.kind == "passkey")
    ).one_or_none()
    if found is None:
        raise PasskeyRefused
    count = verified_count(answered, found.public_key, alone=alone)
    _spend(session, answered)
    kept = SecondFactor.sign_count
    used = (
        update(SecondFactor)
        .where(SecondFactor.id == found.id)
        # Most passkeys don't count, and say 0 each time. One that counts backwards was copied.
        .where(kept < count if count else kept == 0)
        .values(sign_count=count, last_used_at=now())
    )
    if session.scalar(used.returning(SecondFactor.id)) is None:
        logs.warn("a passkey may have been copied", factor=found.id, account=user_id, count=count)
        raise PasskeyRefused


def _spend(session: Session, answered: Answered) -> None:
    """Let nobody answer the same challenge again; raises PasskeyRefused where somebody has."""
    moment = now()
    session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at <= moment))
    spent = session.scalar(
        insert(SpentChallenge)
        .values(
            challenge_hash=answered.challenge_hash,
            # Beyond the seconds for which its signature is good, however they are rounded.
            expires_at=moment + timedelta(seconds=2 * CHALLENGE_SECONDS),
        )
        .on_conflict_do_nothing()
        .returning(SpentChallenge.challenge_hash)
    )
    if spent is None:
        raise PasskeyRefused
