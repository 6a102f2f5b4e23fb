"""Registering, and proving that the address is one's own: nothing is given before.

Whoever opens the link reads the mail of the address, but perhaps did not register: somebody else
may have, with a password of theirs. So only the browser that registered is let in by the link
alone; any other chooses a password first.
"""

from datetime import timedelta
from time import monotonic, sleep

from sqlalchemy.orm import Session

from lms import enrollment
from lms.accounts.links import Account, MakeLink, Secret, active_account, opened, sign
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import add_sign_in, locked_account, new_token
from lms.db import now
from lms.enrollment.people import lock_opening, prove_address
from lms.identity import checked_name, reachable_email
from lms.ledger.limits import count
from lms.messages.catalogue import AccountExists, ConfirmAddress
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.refusals import VerificationNotPossible, WrongCredentials
from lms.transaction import transactional

VALID_DAYS = 3
_VALID_SECONDS = VALID_DAYS * 86_400
_RESEND_SECONDS = 3_600
_ANSWER_SECONDS = 0.2
"""Longer than it takes to write the account or not, so that timing tells nothing."""
_SAME_MAIL_SECONDS = 300
"""A repeat this soon sends no second e-mail, so that no mailbox can be flooded."""


def register(
    *,
    email: str,
    name: str,
    password: str,
    link: MakeLink,
    sign_in_page: str,
    secret: Secret,
    place: str,
) -> str:
    """Register a student and return the mark of this registration; known addresses get one alike.

    A link to prove the address is sent to it, or to an account's owner the news of the attempt.
    Raises RateLimited after too many from one place, whatever the addresses.
    """
    email, name = reachable_email(email), checked_name(name)
    check_password(password, email=email, name=name)
    password_hash = hash_password(password)
    began = monotonic()
    user_id = enrollment.register_student(
        email=email,
        name=name,
        password_hash=password_hash,
        again_after=timedelta(seconds=_SAME_MAIL_SECONDS),
        place=place,
    )
    registered = Account(user_id or 0, email, name, password_hash, is_proven=False)
    known = active_account(email)
    if user_id is not None:
        _send_link(registered, link(sign(registered, "verify-address", secret=secret)))
    elif known is None or known.is_proven:  # else it has its link since a moment ago
        _tell_owner(email, sign_in_page)
    sleep(max(0.0, _ANSWER_SECONDS - (monotonic() - began)))
    return registered.fingerprint


def resend_token(email: str, *, secret: Secret) -> str:
    """Return what lets whoever knows the account's password have the link sent again."""
    return sign(active_account(email), "send-verification", secret=secret)


def resend(token: str, *, link: MakeLink, secret: Secret, place: str) -> None:
    """Send the link again; raises VerificationNotPossible once the token is of no use."""
    account = opened(token, "send-verification", secret=secret, valid_seconds=_RESEND_SECONDS)
    if account is None or account.is_proven:
        raise VerificationNotPossible
    _send_link(account, link(sign(account, "verify-address", secret=secret)), place=place)


def check_verification(token: str, *, secret: Secret) -> Account:
    """Return whose address a link proves; raises VerificationNotPossible."""
    account = opened(token, "verify-address", secret=secret, valid_seconds=_VALID_SECONDS)
    if account is None or account.is_proven:
        raise VerificationNotPossible
    return account


def verify(token: str, password: str | None, *, secret: Secret, device: str = "") -> str:
    """Prove the address by its link, with a new password if given; return a sign-in's token."""
    account = check_verification(token, secret=secret)
    if password is not None:
        check_password(password, email=account.email, name=account.name)
    new_hash = account.password_hash if password is None else hash_password(password)
    sign_in = new_token()
    try:
        _prove(account.id, account.password_hash, new_hash, token=sign_in, device=device)
    except WrongCredentials:
        raise VerificationNotPossible from None
    return sign_in


@transactional
def _prove(
    session: Session, user_id: int, known_hash: str, new_hash: str, *, token: str, device: str
) -> None:
    lock_opening(session)
    user = locked_account(session, user_id, known_hash, new_hash)
    user.password_hash = new_hash
    prove_address(session, user)
    add_sign_in(session, user_id, token, device=device)


@transactional
def _send_link(session: Session, account: Account, link: str, *, place: str | None = None) -> None:
    if place is not None:
        count(session, "link", place)
    message = render(ConfirmAddress(account.email, link, VALID_DAYS)).email
    key = f"verify-{account.id}-{account.fingerprint}-{_occasion()}"
    queue_email(session, message, account.email, key=key)


@transactional
def _tell_owner(session: Session, email: str, sign_in_page: str) -> None:
    message = render(AccountExists(email, sign_in_page)).email
    queue_email(session, message, email, key=f"registered-again:{email}:{_occasion()}")


def _occasion() -> int:
    return int(now().timestamp()) // _SAME_MAIL_SECONDS
