"""Links that only an account's mailbox gets: who opens one reads the mail of that address."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement

from lms.db import db
from lms.models import User

Purpose = Literal["password-reset", "verify-address", "send-verification"]
Secret = str | list[str]
"""A key, or several of which the last one signs and all verify."""


@dataclass(frozen=True)
class Account:
    """What a link is about."""

    id: int
    email: str
    password_hash: str
    is_proven: bool

    @property
    def fingerprint(self) -> str:
        """What changes with the password: a link works only as long as it stays."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()[:32]


def active_account(email: str) -> Account | None:
    """Return the account with this e-mail, unless it is deactivated."""
    email = email.strip().lower()
    if "\x00" in email:  # PostgreSQL would refuse to compare it
        return None
    return _found(User.email == email.encode("utf-8", "replace").decode())


def sign(account: Account | None, purpose: Purpose, *, secret: Secret) -> str:
    """Return the token of a link; where there is no account, one that leads nowhere."""
    held = [account.id, account.fingerprint] if account else []
    return _serializer(purpose, secret).dumps(held)


def opened(token: str, purpose: Purpose, *, secret: Secret, valid_seconds: int) -> Account | None:
    """Return the account of a link; None once it is old, or the password has changed since."""
    try:
        user_id, fingerprint = _serializer(purpose, secret).loads(token, max_age=valid_seconds)
    except (BadData, ValueError):
        return None
    account = _found(User.id == user_id)
    return account if account and account.fingerprint == fingerprint else None


def _found(condition: ColumnElement[bool]) -> Account | None:
    columns = (User.id, User.email, User.password_hash, User.email_verified_at)
    row = db.session.execute(select(*columns).where(condition, User.is_active)).one_or_none()
    if row is None:
        return None
    return Account(row.id, row.email, row.password_hash, row.email_verified_at is not None)


def _serializer(purpose: Purpose, secret: Secret) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt=purpose)
