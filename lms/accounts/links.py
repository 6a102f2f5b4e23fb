"""Links that only an account's mailbox gets: who opens one reads the mail of that address."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from itsdangerous import BadData
from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement

from lms.db import db
from lms.enrollment.people import normalize_email
from lms.models import User
from lms.signatures import Signatures
from lms.texts import is_storable

Purpose = Literal["password-reset", "verify-address", "choose-address", "invitation", "second-step"]
Secret = str | list[str]
"""A key, or several of which the last one signs and all verify."""
MakeLink = Callable[[str], str]
"""Makes the whole address of the page from a link's token."""


@dataclass(frozen=True)
class Account:
    """What a link is about."""

    id: int
    email: str
    name: str
    password_hash: str
    is_proven: bool

    @property
    def fingerprint(self) -> str:
        """What changes with password and address: a link works only as long as both stay."""
        known = f"{self.email}\n{self.password_hash}"
        return hashlib.sha256(known.encode()).hexdigest()[:32]


def active_account(email: str) -> Account | None:
    """Return the account with this e-mail, unless it is deactivated."""
    if not is_storable(email):  # PostgreSQL would refuse to compare it
        return None
    return _found(User.email == normalize_email(email))


def account_of(user_id: int) -> Account | None:
    """Return an account, unless it is deactivated."""
    return _found(User.id == user_id)


def sign(account: Account | None, purpose: Purpose, about: str = "", *, secret: Secret) -> str:
    """Return the token of a link; where there is no account, one that leads nowhere.

    It is good for nothing but what it is `about`.
    """
    held = [account.id, account.fingerprint] if account else []
    return _serializer(purpose + about, secret).dumps(held)


def opened(
    token: str, purpose: Purpose, about: str = "", *, secret: Secret, valid_seconds: int
) -> Account | None:
    """Return the account of a link; None once it is old, or the password has changed since."""
    account, is_current = meant(token, purpose, about, secret=secret, valid_seconds=valid_seconds)
    return account if is_current else None


def meant(
    token: str, purpose: Purpose, about: str = "", *, secret: Secret, valid_seconds: int
) -> tuple[Account | None, bool]:
    """Return the account that a link was made for, and whether its password is still the same."""
    try:
        held = _serializer(purpose + about, secret).loads(token, max_age=valid_seconds)
        user_id, fingerprint = held
    except (BadData, ValueError):
        return None, False
    account = account_of(user_id)
    return account, account is not None and account.fingerprint == fingerprint


def _found(condition: ColumnElement[bool]) -> Account | None:
    columns = (User.id, User.email, User.name, User.password_hash, User.is_proven)
    row = db.session.execute(select(*columns).where(condition, User.is_active)).one_or_none()
    return Account(*row) if row else None


def _serializer(salt: str, secret: Secret) -> Signatures:
    return Signatures(secret, salt=salt)
