"""The e-mail address of an account, and what its change means for all that was sent to it."""

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.people import (
    Invite,
    end_sessions,
    invitation,
    lock_opening,
    prove_address,
    welcome_key,
)
from lms.identity import reachable_email
from lms.ledger.audit import record
from lms.ledger.locks import lock_user
from lms.live import touch
from lms.messages.catalogue import AccountMessage, AddressGiven, AddressTaken
from lms.messages.outbox import queue_email, readdress
from lms.messages.rendering import render
from lms.models import AddressChange, FormerAddress, User
from lms.refusals import EmailTaken
from lms.transaction import transactional


@transactional
def set_email(
    session: Session,
    user_id: int,
    email: str,
    *,
    by: int | None,
    reason: str = "",
    portal: str | None = None,
    invite: Invite | None = None,
) -> None:
    """Give an account another address by an admin's word; what belongs to the account is kept.

    All its sessions end, both addresses are notified, and no earlier one can be restored. If the
    old one was never proven, its password may be a stranger's: it ends as well, and the new
    address is invited as a new person's. `portal` is the portal's own address, if known.
    """
    email = reachable_email(email)
    lock_opening(session)
    user = lock_user(session, user_id)
    if user.email == email:
        return
    before, was_proven = user.email, user.is_proven
    has_password = was_proven and user.password_hash != ""
    give_address(session, user, email, by=by, reason=reason)
    session.execute(delete(FormerAddress).where(FormerAddress.user_id == user_id))
    if not was_proven:
        user.password_hash = ""
        prove_address(session, user, by=by)
    page = f"{portal}/login" if portal else ""
    to_new: AccountMessage = AddressGiven(email, page)
    if not has_password:
        to_new = invitation(user_id, email, invite)
        user.invited_at = now() if invite else None
    news = [(email, to_new)]
    if was_proven:
        news.append((before, AddressTaken(before, page)))
    for address, each in news:
        key = f"address-{each.template}-{user_id}-{now().timestamp()}"
        queue_email(session, render(each).email, address, key=key)


def give_address(
    session: Session,
    user: User,
    email: str,
    *,
    by: int | None,
    reason: str = "",
    action: str = "user.email_changed",
) -> None:
    """Replace the address of a locked account and end all its sessions; raises EmailTaken.

    An account that was registered with the address but never proved it is removed.
    """
    before = user.email
    record(session, action, by=by, student_id=user.id, reason=reason, before=before, after=email)
    unproven = (User.email == email, ~User.is_proven)
    session.execute(delete(User).where(*unproven, User.id != user.id))
    user.email = email
    try:
        session.flush()
    except IntegrityError:
        raise EmailTaken from None
    end_sessions(session, user.id)
    forget_chosen(session, user.id)
    ended = (f"password-reset:{user.id}:", f"verify-{user.id}-", welcome_key(user.id))
    readdress(session, before, email, ended=ended)
    touch(session, "people", "requests", students=[user.id])


def forget_chosen(session: Session, user_id: int) -> bool:
    """Forget the address that a person has chosen and not confirmed; False if there is none."""
    chosen = delete(AddressChange).where(AddressChange.user_id == user_id)
    return session.scalar(chosen.returning(AddressChange.id)) is not None
