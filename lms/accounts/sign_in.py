"""Signing in and out. A sign-in is a row, so that the server can end it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import logs
from lms.accounts.limit import OwnTries, SignInLimit, Tries, count_failure
from lms.accounts.passwords import matches, verified_hash
from lms.db import db, now
from lms.enrollment.people import normalize_email
from lms.ledger.viewing import end_sign_ins
from lms.models import Role, SignIn, User, has_factor
from lms.queries.people import token_hash
from lms.refusals import (
    Invalid,
    RateLimited,
    SecondFactorNeeded,
    WrongCredentials,
)
from lms.texts import is_storable
from lms.transaction import transactional
from lms.upsert import insert

LIFETIME = timedelta(days=14)
"""How long a sign-in lasts at most."""
IDLE: dict[Role, timedelta] = {"admin": timedelta(minutes=30), "student": timedelta(days=7)}
"""How long it lasts unused."""
LONGEST_DEVICE = 60


def sign_in(
    email: str, password: str, *, limit: SignInLimit, device: str = "", remember: bool = False
) -> str:
    """Return the token of a new sign-in.

    Unknown, deactivated and wrong all take as long and raise the same WrongCredentials; too many of
    them from one place RateLimited, until the limit's period is over. So does the right password of
    an address that nobody has proven: else registering one would tell whether it was known.
    SecondFactorNeeded says that the password is right, and not enough.
    """
    email = normalize_email(email)
    with _telling() as told:
        user = _account(email)
        told["account"] = user.id if user else None
        tries = Tries(limit, email, user.id if user else None)
        tries.check(db.session())
        token = new_token()
        begin = partial(_begin, token=token, tries=tries, device=device, remember=remember)
        _verify(user, password, tries, begin)
        return token


class _NotConfirmed(WrongCredentials):
    """The log alone tells it from a wrong password."""


@contextmanager
def _telling() -> Iterator[dict[str, int | None]]:
    """Write a line about a try to sign in; what was typed is in none, since it may be a secret."""
    told: dict[str, int | None] = {"account": None}
    outcome = "failed"
    try:
        yield told
        outcome = "signed in"
    except WrongCredentials as error:
        outcome = "not confirmed" if isinstance(error, _NotConfirmed) else "wrong"
        raise
    except SecondFactorNeeded:
        outcome = "second factor asked for"
        raise
    except RateLimited:
        outcome = "too many tries"
        raise
    finally:
        logs.tell("sign-in", outcome=outcome, **told)


def _verify(
    user: User | None, password: str, tries: Tries, begin: Callable[[int, str, str], bool]
) -> None:
    kept_hash = verified_hash(user.password_hash if user else None, password)
    if user is None or kept_hash is None or not user.is_proven:
        if seconds := count_failure(tries):
            raise RateLimited(retry_after=seconds)
        raise _NotConfirmed if kept_hash else WrongCredentials
    if not begin(user.id, user.password_hash, kept_hash):
        raise SecondFactorNeeded(user_id=user.id, email=user.email, password_hash=kept_hash)


def has_password(email: str, password: str) -> bool:
    """Return whether there is an active account with this password, as for a default one."""
    user = _account(email)
    return user is not None and matches(user.password_hash, password)


def check_own_password(
    user_id: int, password: str, *, limit: SignInLimit, field: str = "password"
) -> User:
    """Return a signed-in person's account if this is the password.

    Guessing is limited like signing in, and raises RateLimited like it; Invalid names `field`.
    """
    user = db.session.get_one(User, user_id)
    tries = OwnTries("password", user_id, limit.each)
    tries.check(db.session())
    if matches(user.password_hash, password):
        return user
    seconds = count_failure(tries)
    logs.tell("sign-in", outcome="too many tries" if seconds else "wrong", account=user_id)
    if seconds:
        raise RateLimited(retry_after=seconds)
    raise Invalid(
        field,
        "This isn't your current password. If you've forgotten it, sign out and choose “Forgot your"
        " password?”.",
    )


@transactional
def sign_out(session: Session, token: str) -> None:
    """End a sign-in, wherever its cookie was copied."""
    end_sign_ins(session, SignIn.token_hash == token_hash(token))


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def ends_at(began_at: datetime, seen_at: datetime, role: Role) -> datetime:
    """Return when a sign-in ends that is not used again."""
    return min(began_at + LIFETIME, seen_at + IDLE.get(role, IDLE["admin"]))


def add_sign_in(
    session: Session, user_id: int, token: str, *, device: str = "", remember: bool = False
) -> None:
    """Add a sign-in, and clear away this person's expired ones."""
    moment = now()
    user = session.get_one(User, user_id)
    user.signed_in_at = moment
    role = cast("Role", user.role)
    end_sign_ins(session, SignIn.user_id == user_id, SignIn.expires_at <= moment)
    session.execute(
        insert(SignIn)
        .values(
            token_hash=token_hash(token),
            user_id=user_id,
            created_at=moment,
            expires_at=ends_at(moment, moment, role),
            device=device[:LONGEST_DEVICE],
            is_remembered=remember,
            proved_at=moment,
        )
        .on_conflict_do_nothing()
    )


def begin_without_factor(
    session: Session, user_id: int, token: str, *, device: str = "", remember: bool = False
) -> bool:
    """Begin a sign-in; False for whoever has a second factor, which has to be shown first."""
    if session.scalar(select(has_factor()).where(User.id == user_id)):
        return False
    add_sign_in(session, user_id, token, device=device, remember=remember)
    return True


def locked_account(session: Session, user_id: int, *known_hashes: str) -> User:
    """Lock the account whose password was verified before the transaction began.

    Raises WrongCredentials where the password changed, or the account was closed, in between.
    A verb that replaces the hash names the new one too, or it could not be repeated.
    """
    user = session.scalar(
        select(User).where(User.id == user_id, User.is_active).with_for_update(key_share=True)
    )
    if user is None or user.password_hash not in known_hashes:
        raise WrongCredentials
    return user


def _account(email: str) -> User | None:
    if not is_storable(email):  # PostgreSQL would refuse to compare it
        return None
    return db.session.scalar(select(User).where(User.email == email, User.is_active))


@transactional
def _begin(
    session: Session,
    user_id: int,
    known_hash: str,
    new_hash: str,
    *,
    token: str,
    tries: Tries,
    device: str,
    remember: bool,
) -> bool:
    user = locked_account(session, user_id, known_hash, new_hash)
    # Guesses sent all at once would otherwise each be verified before the first is counted.
    tries.check(session)
    user.password_hash = new_hash
    begun = begin_without_factor(session, user_id, token, device=device, remember=remember)
    if begun:
        tries.forget(session)
    return begun
