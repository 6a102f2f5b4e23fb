"""Invitations: one link, which proves the address and sets the first password of an account."""

from sqlalchemy.orm import Session

from lms.accounts.links import Account, MakeLink, Secret, meant, sign
from lms.accounts.passwords import check_password, hash_password
from lms.accounts.sign_in import begin_without_factor, locked_account, new_token
from lms.enrollment.people import Invite
from lms.ledger.audit import record
from lms.live import touch
from lms.messages.catalogue import INVITED_DAYS
from lms.refusals import (
    InvitationAccepted,
    InvitationNotPossible,
    SecondFactorNeeded,
    WrongCredentials,
)
from lms.transaction import transactional

_VALID_SECONDS = INVITED_DAYS * 86_400


def inviting(link: MakeLink, *, secret: Secret) -> Invite:
    """Return what makes the link for a new account, before it is committed."""

    def invite(user_id: int, email: str) -> str:
        invited = Account(user_id, email, "", password_hash="", is_proven=True)
        return link(sign(invited, "invitation", secret=secret))

    return invite


def check_invitation(token: str, *, secret: Secret) -> Account:
    """Return who is invited.

    Raises InvitationAccepted once there is a password, however it was set; InvitationNotPossible.
    """
    account, is_current = meant(token, "invitation", secret=secret, valid_seconds=_VALID_SECONDS)
    if account is not None and account.password_hash:
        raise InvitationAccepted
    if account is None or not is_current:
        raise InvitationNotPossible
    return account


def accept_invitation(token: str, password: str, *, secret: Secret, device: str = "") -> str:
    """Set the first password of an account and return a sign-in's token; of two at once, one does.

    Raises what `check_invitation` does, and Invalid; SecondFactorNeeded once the password is set,
    where that is not enough.
    """
    account = check_invitation(token, secret=secret)
    check_password(password, email=account.email, name=account.name)
    new_hash, sign_in = hash_password(password), new_token()
    try:
        begun = _accept(account.id, new_hash, token=sign_in, device=device)
    except WrongCredentials:
        raise InvitationAccepted from None
    if not begun:
        raise SecondFactorNeeded(user_id=account.id, email=account.email, password_hash=new_hash)
    return sign_in


@transactional
def _accept(session: Session, user_id: int, new_hash: str, *, token: str, device: str) -> bool:
    user = locked_account(session, user_id, "", new_hash)
    user.password_hash = new_hash
    record(session, "user.accepted", by=user_id, student_id=user_id)
    touch(session, "people", students=[user_id])
    return begin_without_factor(session, user_id, token, device=device)
