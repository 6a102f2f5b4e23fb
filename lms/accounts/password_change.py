"""Changing a password: by whoever knows the present one, or reads the account's e-mail."""

from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from lms.accounts.answering import alike, occasion
from lms.accounts.limit import SignInLimit
from lms.accounts.links import Account, MakeLink, Secret, account_of, active_account, opened, sign
from lms.accounts.passwords import (
    check_password,
    hash_password,
    normalize_password,
)
from lms.accounts.sign_in import add_sign_in, check_own_password, locked_account, new_token
from lms.db import db
from lms.enrollment.addresses import forget_chosen
from lms.enrollment.people import end_sessions, lock_opening, prove_address
from lms.ledger.audit import record
from lms.ledger.limits import count
from lms.ledger.locks import lock_user
from lms.live import touch
from lms.messages.catalogue import PasswordReset
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.models import User
from lms.refusals import Invalid, ResetNotPossible, UserNotFound, WrongCredentials
from lms.transaction import transactional

VALID_SECONDS = 3600
_NOBODY = Account(0, "nobody@example.org", "", "", is_proven=False)


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

    Guessing at the present one is limited like signing in, and raises RateLimited like it.
    """
    user = check_own_password(user_id, current, limit=limit, field="current_password")
    if normalize_password(current) == normalize_password(new):
        raise Invalid("password", "This is already your password. Choose a different one.")
    check_password(new, email=user.email, name=user.name)
    token = new_token()
    try:
        begin = partial(add_sign_in, token=token, device=device, remember=remember)
        _replace(user_id, user.password_hash, hash_password(new), "password.changed", begin=begin)
    except WrongCredentials:
        changed = "Your password has changed since you opened this page. Reload it and try again."
        raise Invalid("current_password", changed) from None
    return token


def request_password_reset(email: str, *, link: MakeLink, secret: Secret, place: str) -> None:
    """Send a link to the account's address; without an account, answer and effort are the same.

    `link` makes the address of the page from the token. Raises RateLimited after too many from one
    place, whatever the addresses.
    """
    with alike():
        user = active_account(email)
        _owe_link(user, link(sign(user, "password-reset", secret=secret)), place)


def reset_link(user_id: int, *, by: int, reason: str, link: MakeLink, secret: Secret) -> str:
    """Return a link for a new password, for an admin to hand over where no e-mail can be sent."""
    account = account_of(user_id)
    if account is None:
        raise UserNotFound("This account is deactivated. Reactivate it first.")
    _note_link(user_id, account.password_hash, by=by, reason=reason)
    return link(sign(account, "password-reset", secret=secret))


def check_reset(token: str, *, secret: Secret) -> None:
    """Raise ResetNotPossible unless the link still works."""
    _open(token, secret)


def set_password(user_id: int, password: str, *, by: int | None, reason: str) -> None:
    """Replace somebody else's password and end all their sign-ins."""
    user = db.session.get(User, user_id)
    if user is None:
        raise UserNotFound
    check_password(password, email=user.email, name=user.name)
    _set(user_id, hash_password(password), by=by, reason=reason)


def reset_password(token: str, password: str, *, secret: Secret) -> None:
    """Replace the account's password and end all its sign-ins.

    A link works for an hour and once: it carries a fingerprint of the password that it replaces,
    and of the address that it went to, which may no longer be this person's. Whoever has it reads
    the mail of the address, which is proven by that.
    """
    account = _open(token, secret)
    check_password(password, email=account.email, name=account.name)
    try:
        _replace(
            *(account.id, account.password_hash, hash_password(password)),
            "password.reset",
            proves_address=not account.is_proven,
        )
    except WrongCredentials:
        raise ResetNotPossible from None


def replace_hash(session: Session, user: User, new_hash: str) -> None:
    """Let a new password end all that the former one, or whoever knew it, has begun."""
    user.password_hash = new_hash
    end_sessions(session, user.id)
    forget_chosen(session, user.id)


def _open(token: str, secret: Secret) -> Account:
    account = opened(token, "password-reset", secret=secret, valid_seconds=VALID_SECONDS)
    if account is None:
        raise ResetNotPossible
    return account


@transactional
def _owe_link(session: Session, account: Account | None, link: str, place: str) -> None:
    count(session, "link", place)
    with session.begin_nested() as effort:
        if account is None:
            # Done and undone, or what the processor does would tell who has an account.
            session.get(User, 0)
            _queue_link(session, _NOBODY, link)
            effort.rollback()
        else:
            locked_account(session, account.id, account.password_hash)
            _queue_link(session, account, link)


def _queue_link(session: Session, account: Account, link: str) -> None:
    reset = render(PasswordReset(account.email, link, VALID_SECONDS // 60)).email
    # A link that has ended, with the password or address, keeps none back that works.
    key = f"password-reset:{account.id}:{account.fingerprint}:{occasion()}"
    if queue_email(session, reset, account.email, key=key):
        record(session, "password.reset_requested", by=None, student_id=account.id or None)


@transactional
def _note_link(session: Session, user_id: int, known_hash: str, *, by: int, reason: str) -> None:
    locked_account(session, user_id, known_hash)
    record(session, "password.link_made", by=by, student_id=user_id, reason=reason)


@transactional
def _set(session: Session, user_id: int, new_hash: str, *, by: int | None, reason: str) -> None:
    lock_opening(session)
    user = lock_user(session, user_id)
    replace_hash(session, user, new_hash)
    record(session, "password.set", by=by, student_id=user_id, reason=reason)
    prove_address(session, user, by=by)  # by the word of whoever hands the password over
    touch(session, "people")


@transactional
def _replace(
    session: Session,
    user_id: int,
    known_hash: str,
    new_hash: str,
    action: str,
    *,
    begin: Callable[[Session, int], None] | None = None,
    proves_address: bool = False,
) -> None:
    if proves_address:
        lock_opening(session)
    user = locked_account(session, user_id, known_hash, new_hash)
    replace_hash(session, user, new_hash)
    if begin is not None:
        begin(session, user_id)
    record(session, action, by=user_id, student_id=user_id)
    if proves_address:
        prove_address(session, user)
