"""Changing one's own address: confirmed by the new mailbox, undone by the old one.

A link to the new address works only for the person who is signed in: a mistyped address must not
let a stranger have the account. A link to the old address needs no sign-in, which somebody else may
hold by now, and is ended by nothing that they can do.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from lms.accounts.answering import alike, occasion
from lms.accounts.factors import forget_factors_since
from lms.accounts.limit import SignInLimit
from lms.accounts.links import MakeLink, Secret, account_of, opened, sign
from lms.accounts.password_change import replace_hash
from lms.accounts.passwords import hash_password
from lms.accounts.sign_in import add_sign_in, check_own_password, new_token
from lms.db import db, now
from lms.enrollment.addresses import forget_chosen, give_address
from lms.identity import reachable_email
from lms.ledger.audit import record
from lms.ledger.limits import count
from lms.ledger.locks import lock_user
from lms.messages.catalogue import (
    AccountMessage,
    AddressInUse,
    AddressReplaced,
    AddressRestored,
    ConfirmNewAddress,
)
from lms.messages.outbox import chosen_key, discard_links, queue_email
from lms.messages.rendering import render
from lms.models import AddressChange, FormerAddress, SignIn, User
from lms.queries.people import chosen_address, token_hash
from lms.refusals import AddressChangeNotPossible, AddressUndoNotPossible, Invalid
from lms.transaction import transactional
from lms.upsert import insert

CONFIRM_HOURS = 24
UNDO_DAYS = 7


@dataclass(frozen=True)
class Restorable:
    """An address that a link restores, and the account that it was of."""

    email: str
    user_id: int
    is_active: bool
    """Whether the account can be signed in to, once it has a new password."""


def choose_address(
    user_id: int,
    *,
    email: str,
    current: str,
    limit: SignInLimit,
    link: MakeLink,
    sign_in_page: str,
    secret: Secret,
) -> None:
    """Send a link to the address that a person wants to have; until it is opened nothing changes.

    Where the address has an account already, the answer is the same, and its owner is told.
    """
    email = reachable_email(email)
    user = check_own_password(user_id, current, limit=limit, field="current_password")
    if user.email == email:
        raise Invalid("email", "This is already your address.")
    _ask(user_id, email, link=link, sign_in_page=sign_in_page, secret=secret)


def ask_again(user_id: int, *, link: MakeLink, sign_in_page: str, secret: Secret) -> None:
    """Send the link to the chosen address again; raises AddressChangeNotPossible if none is."""
    _ask(user_id, _chosen(user_id), link=link, sign_in_page=sign_in_page, secret=secret)


@transactional
def cancel_address(session: Session, user_id: int) -> None:
    """Forget the address that a person has chosen: its link no longer works."""
    forget_chosen(session, user_id)
    discard_links(session, user_id)


def check_chosen(user_id: int, token: str, *, secret: Secret) -> str:
    """Return the address that a link confirms; raises AddressChangeNotPossible."""
    email = _chosen(user_id)
    seconds = CONFIRM_HOURS * 3600
    account = opened(token, "choose-address", email, secret=secret, valid_seconds=seconds)
    if account is None or account.id != user_id:
        raise AddressChangeNotPossible
    return email


def confirm_address(
    user_id: int,
    token: str,
    *,
    sign_in_id: int,
    undo_link: MakeLink,
    secret: Secret,
    device: str = "",
    remember: bool = False,
) -> str:
    """Give the person the address that they chose, and return the token of a new sign-in.

    All other sign-ins end. The old address is told how to undo it. Whoever opens a link proves
    nothing else: the new sign-in's proof is as old as that of `sign_in_id`.
    """
    email = check_chosen(user_id, token, secret=secret)
    undo, sign_in = new_token(), new_token()
    proved_at = db.session.scalar(select(SignIn.proved_at).where(SignIn.id == sign_in_id))

    def begin(session: Session) -> None:
        add_sign_in(session, user_id, sign_in, device=device, remember=remember)
        begun = SignIn.token_hash == token_hash(sign_in)
        session.execute(update(SignIn).where(begun).values(proved_at=proved_at))

    _confirm(user_id, email, token_hash(undo), undo_link(undo), begin=begin)
    return sign_in


def check_undo(token: str) -> Restorable:
    """Return what a link restores; raises AddressUndoNotPossible."""
    found = db.session.execute(
        select(FormerAddress.email, User.id, User.is_active)
        .join(User, User.id == FormerAddress.user_id)
        .where(FormerAddress.undo_hash == token_hash(token), FormerAddress.undo_until > now())
    ).one_or_none()
    if found is None:
        raise AddressUndoNotPossible
    return Restorable(*found)


def undo_address(token: str, *, sign_in_page: str) -> Restorable:
    """Restore the address that the link was sent to, and return what was restored.

    Whoever has the account now may have stolen it: every session ends, the password as well, and
    so do the links to all addresses that it had since. Second factors that were added lately go
    too; of older ones this address was told in time, and they stay: a mailbox is no second factor.
    """
    # Not a blank one: that is for those who never had a password, and revives their invitation.
    nobodys = hash_password(new_token())
    return _undo(token_hash(token), sign_in_page, nobodys)


def _chosen(user_id: int) -> str:
    email = chosen_address(user_id)
    if email is None:
        raise AddressChangeNotPossible
    return email


def _ask(user_id: int, email: str, *, link: MakeLink, sign_in_page: str, secret: Secret) -> None:
    with alike():
        account = account_of(user_id)
        token = sign(account, "choose-address", email, secret=secret)
        _choose(user_id, email, link=link(token), sign_in_page=sign_in_page)


@transactional
def _choose(session: Session, user_id: int, email: str, *, link: str, sign_in_page: str) -> None:
    lock_user(session, user_id)
    count(session, "link", user_id)
    chosen = insert(AddressChange).values(
        user_id=user_id,
        email=email,
        created_at=now(),
        expires_at=now() + timedelta(hours=CONFIRM_HOURS),
    )
    replaced = {name: chosen.excluded[name] for name in ("email", "created_at", "expires_at")}
    session.execute(chosen.on_conflict_do_update(index_elements=["user_id"], set_=replaced))
    of_another = exists().where(User.email == email, User.is_proven)
    message: AccountMessage
    if session.scalar(select(of_another)):
        # In the time of the answer for an unknown address: the same row, and one e-mail as well.
        message = AddressInUse(email, sign_in_page)
        # Its owner hears of it, even if the person has second thoughts.
        begins = f"address-in-use-{user_id}-"
    else:
        message = ConfirmNewAddress(email, link, CONFIRM_HOURS)
        begins = chosen_key(user_id)
    digest = hashlib.sha256(email.encode()).hexdigest()[:32]
    if queue_email(session, render(message).email, email, key=f"{begins}{digest}-{occasion()}"):
        record(session, "user.email_chosen", by=user_id, student_id=user_id)


@transactional
def _confirm(
    session: Session,
    user_id: int,
    email: str,
    undo_hash: str,
    undo_link: str,
    *,
    begin: Callable[[Session], None],
) -> None:
    user = lock_user(session, user_id)
    if not forget_chosen(session, user_id) and user.email != email:
        raise AddressChangeNotPossible
    if user.email != email:
        before, moment = user.email, now()
        give_address(session, user, email, by=user_id)
        former_id = session.scalar(
            insert(FormerAddress)
            .values(
                user_id=user_id,
                email=before,
                undo_hash=undo_hash,
                changed_at=moment,
                undo_until=moment + timedelta(days=UNDO_DAYS),
            )
            .returning(FormerAddress.id)
        )
        words = render(AddressReplaced(before, undo_link, UNDO_DAYS)).email
        queue_email(session, words, before, key=f"address-replaced-{former_id}")
    begin(session)


@transactional
def _undo(session: Session, undo_hash: str, sign_in_page: str, new_hash: str) -> Restorable:
    named = (FormerAddress.undo_hash == undo_hash, FormerAddress.undo_until > now())
    user_id = session.scalar(select(FormerAddress.user_id).where(*named))
    if user_id is None:
        raise AddressUndoNotPossible
    user = lock_user(session, user_id)
    former = session.scalar(select(FormerAddress).where(*named))
    if former is None:  # somebody else was first
        raise AddressUndoNotPossible
    before, email = user.email, former.email
    lately = former.changed_at - timedelta(days=UNDO_DAYS)
    later = (FormerAddress.user_id == user_id, FormerAddress.id >= former.id)
    session.execute(delete(FormerAddress).where(*later))
    if before != email:
        give_address(session, user, email, by=user_id, action="user.email_restored")
        words = render(AddressRestored(before, sign_in_page)).email
        queue_email(session, words, before, key=f"address-restored-{undo_hash}")
    replace_hash(session, user, new_hash)
    forget_factors_since(session, user_id, lately)
    return Restorable(email, user_id, user.is_active)
