"""Registering, and proving that the address is one's own: nothing is given before.

Whoever opens the link reads the mail of the address, but perhaps did not register: somebody else
may have, with a password of theirs. So only the browser that registered is let in by the link
alone; any other enters a name and chooses a password first.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from lms import enrollment
from lms.accounts.answering import SAME_MAIL, alike, occasion
from lms.accounts.links import Account, MakeLink, Secret, active_account, meant, sign
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import begin_without_factor, locked_account, new_token
from lms.enrollment.people import lock_opening, prove_address
from lms.identity import checked_name, reachable_email
from lms.ledger.limits import count
from lms.messages.catalogue import AccountDeactivated, AccountExists, AccountMessage, ConfirmAddress
from lms.messages.outbox import queue_email
from lms.messages.rendering import render
from lms.refusals import (
    AddressConfirmed,
    SecondFactorNeeded,
    VerificationNotPossible,
    WrongCredentials,
)
from lms.transaction import transactional

VALID_DAYS = 3
_VALID_SECONDS = VALID_DAYS * 86_400


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
    with alike():
        user_id = enrollment.register_student(
            email=email,
            name=name,
            password_hash=password_hash,
            again_after=SAME_MAIL,
            place=place,
        )
        registered = Account(user_id or 0, email, name, password_hash, is_proven=False)
        known = active_account(email)
        if user_id is not None:
            _send_link(registered, link(sign(registered, "verify-address", secret=secret)))
        elif known is None:
            _tell_owner(AccountDeactivated(email, sign_in_page))
        elif known.is_proven:  # else it has its link since a moment ago
            _tell_owner(AccountExists(email, sign_in_page))
    return registered.fingerprint


def resend(email: str, *, link: MakeLink, secret: Secret, place: str) -> None:
    """Send the link again to an address that waits for it; the answer is the same for all others.

    So it needs no password: whoever asks learns nothing, and the mailbox alone gets the link.
    Raises RateLimited after too many from one place, whatever the addresses.
    """
    with alike():
        account = active_account(email)
        address = link(sign(account, "verify-address", secret=secret))
        _send_link(account, address, place=place)


def check_verification(token: str, *, secret: Secret) -> Account:
    """Return whose address a link proves.

    Raises AddressConfirmed where that is done, by this link or otherwise; VerificationNotPossible.
    """
    account, is_current = meant(
        token, "verify-address", secret=secret, valid_seconds=_VALID_SECONDS
    )
    if account is not None and account.is_proven:
        raise AddressConfirmed
    if account is None or not is_current:
        raise VerificationNotPossible
    return account


@dataclass(frozen=True)
class Chosen:
    """What whoever opens the link puts in the place of what was entered at registration."""

    name: str
    password: str


def verify(token: str, chosen: Chosen | None, *, secret: Secret, device: str = "") -> str:
    """Prove the address by its link, as its owner chose, if asked; return a sign-in's token.

    SecondFactorNeeded says that the address is proven, and that this is not enough.
    """
    account = check_verification(token, secret=secret)
    name, new_hash = account.name, account.password_hash
    if chosen is not None:
        name = checked_name(chosen.name)
        check_password(chosen.password, email=account.email, name=name)
        new_hash = hash_password(chosen.password)
    sign_in = new_token()
    hashes = (account.password_hash, new_hash)
    try:
        begun = _prove(account.id, *hashes, name=name, token=sign_in, device=device)
    except WrongCredentials:
        raise VerificationNotPossible from None
    if not begun:
        raise SecondFactorNeeded(user_id=account.id, email=account.email, password_hash=new_hash)
    return sign_in


@transactional
def _prove(
    session: Session,
    user_id: int,
    known_hash: str,
    new_hash: str,
    *,
    name: str,
    token: str,
    device: str,
) -> bool:
    lock_opening(session)
    user = locked_account(session, user_id, known_hash, new_hash)
    user.name, user.password_hash = name, new_hash
    prove_address(session, user)
    return begin_without_factor(session, user_id, token, device=device)


@transactional
def _send_link(
    session: Session, account: Account | None, link: str, *, place: str | None = None
) -> None:
    if place is not None:
        count(session, "link", place)
    if account is None or account.is_proven:
        return
    message = render(ConfirmAddress(account.email, link, VALID_DAYS)).email
    key = f"verify-{account.id}-{account.fingerprint}-{occasion()}"
    queue_email(session, message, account.email, key=key)


@transactional
def _tell_owner(session: Session, news: AccountMessage) -> None:
    key = f"registered-again:{news.email}:{occasion()}"
    queue_email(session, render(news).email, news.email, key=key)
