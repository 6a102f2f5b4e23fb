"""Changing a password: by whoever knows the present one, or reads the account's e-mail."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from lms import logs
from lms.accounts.limit import SignInLimit, check_limit, count_failure
from lms.accounts.passwords import check_password, hash_password, matches
from lms.accounts.sign_in import add_sign_in, locked_account, new_token
from lms.db import db, now
from lms.ledger.audit import record
from lms.messages.catalogue import PasswordReset
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.models import SignIn, User
from lms.refusals import Invalid, RateLimited, ResetNotPossible, WrongCredentials
from lms.transaction import transactional

VALID_SECONDS = 3600
_ANSWER_SECONDS = 0.1
"""Longer than it takes to queue the e-mail, so that timing reveals nothing either."""
_SAME_MAIL_SECONDS = 300
"""A repeat this soon sends no second e-mail, so that no mailbox can be flooded."""


def change_password(
    user_id: int,
    *,
    current: str,
    new: str,
    limit: SignInLimit,
    device: str = "",
    remember: bool = False,
) -> str:
    """Replace the password, end every sign-in and return the token of a new one.

    Guessing at the present one counts like failed sign-ins, and raises RateLimited like them.
    """
    user = db.session.get_one(User, user_id)
    check_limit(db.session(), limit, user.email)
    if not matches(user.password_hash, current):
        seconds = count_failure(limit, user.email)
        logs.tell("sign-in", outcome="too many tries" if seconds else "wrong", account=user_id)
        if seconds:
            raise RateLimited(retry_after=seconds)
        raise Invalid("current_password", "This isn't your current password.")
    if current == new:
        raise Invalid("password", "This is already your password. Choose a different one.")
    check_password(new, email=user.email)
    token = new_token()
    try:
        begin = partial(add_sign_in, token=token, device=device, remember=remember)
        _replace(user_id, user.password_hash, hash_password(new), "password.changed", begin=begin)
    except WrongCredentials:
        changed = "Your password changed since you opened this page. Reload it and try again."
        raise Invalid("current_password", changed) from None
    return token


def request_password_reset(email: str, *, link: Callable[[str], str], secret: str) -> None:
    """Send a link to the account's address; without an account, the answer is the same.

    `link` makes the address of the page from the token.
    """
    began = monotonic()
    user = _account(email)
    token = _serializer(secret).dumps([user.id, _fingerprint(user.password_hash)] if user else [])
    address = link(token)
    if user is not None:
        _owe_link(user.id, user.password_hash, address)
    sleep(max(0.0, _ANSWER_SECONDS - (monotonic() - began)))


def check_reset(token: str, *, secret: str) -> None:
    """Raise ResetNotPossible unless the link still works."""
    _open(token, secret)


def reset_password(token: str, password: str, *, secret: str) -> None:
    """Replace the account's password and end all its sign-ins.

    A link works for an hour and once: it carries a fingerprint of the password that it replaces.
    """
    account = _open(token, secret)
    check_password(password, email=account.email)
    try:
        _replace(account.id, account.password_hash, hash_password(password), "password.reset")
    except WrongCredentials:
        raise ResetNotPossible from None


@dataclass(frozen=True)
class _Account:
    id: int
    email: str
    password_hash: str


def _account(email: str) -> _Account | None:
    email = email.strip().lower()
    if "\x00" in email:  # PostgreSQL would refuse to compare it
        return None
    return _found(User.email == email.encode("utf-8", "replace").decode())


def _found(condition: ColumnElement[bool]) -> _Account | None:
    row = db.session.execute(
        select(User.id, User.email, User.password_hash).where(condition, User.is_active)
    ).one_or_none()
    return _Account(*row) if row else None


def _open(token: str, secret: str) -> _Account:
    try:
        user_id, fingerprint = _serializer(secret).loads(token, max_age=VALID_SECONDS)
    except (BadData, ValueError):
        raise ResetNotPossible from None
    account = _found(User.id == user_id)
    if account is None or _fingerprint(account.password_hash) != fingerprint:
        raise ResetNotPossible
    return account


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="password-reset")


def _fingerprint(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]


@transactional
def _owe_link(session: Session, user_id: int, known_hash: str, link: str) -> None:
    user = locked_account(session, user_id, known_hash)
    occasion = int(now().timestamp()) // _SAME_MAIL_SECONDS
    reset = render(PasswordReset(user.email, link, VALID_SECONDS // 60)).email
    if queue_email(session, reset, user.email, key=f"password-reset:{user_id}:{occasion}"):
        record(session, "password.reset_requested", by=None, student_id=user_id)


@transactional
def _replace(
    session: Session,
    user_id: int,
    known_hash: str,
    new_hash: str,
    action: str,
    *,
    begin: Callable[[Session, int], None] | None = None,
) -> None:
    user = locked_account(session, user_id, known_hash, new_hash)
    user.password_hash = new_hash
    session.execute(delete(SignIn).where(SignIn.user_id == user_id))
    if begin is not None:
        begin(session, user_id)
    record(session, action, by=user_id, student_id=user_id)
