"""Who is signed in, and who a person is."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Session, aliased

from lms import school
from lms.db import UtcDateTime, db, now
from lms.live import Topic, summed
from lms.models import (
    AddressChange,
    Course,
    RecoveryCode,
    SavedFilter,
    SecondFactor,
    SignIn,
    User,
    lacks_factor,
)
from lms.models.columns import constants
from lms.queries.calendar import calendar
from lms.queries.read_model import columns, execute, read, read_model
from lms.queries.student.notices import unread_of

VIEWED = aliased(User, name="viewed")
"""The student as whom an admin sees the portal, if the admin does."""
_SEEN_AT = func.coalesce(SignIn.last_seen_at, SignIn.created_at)


@read_model
class SignedIn:
    """The person behind a sign-in that is still valid; as a student while an admin views as one."""

    viewer_id: int | None
    """The admin who sees the portal as this student."""
    id: int
    email: str
    name: str
    role: str
    version: int
    unread_notices: int
    sign_in_id: int
    began_at: datetime
    seen_at: datetime
    topics_version: int
    school_version: int
    time_zone: str | None
    lacks_factor: bool
    """Whether a second factor is required of them, and they have none."""
    calendar: str
    """The school's day, and the month of its books."""


@read_model
class Factor:
    """A second factor of a person."""

    id: int
    kind: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


@read_model
class OpenSignIn:
    """A browser in which a person is signed in."""

    id: int
    device: str
    began_at: datetime
    seen_at: datetime
    is_remembered: bool


@read_model
class Account:
    """Who has an account, as commands list it."""

    id: int
    email: str
    name: str
    role: str
    is_active: bool
    email_verified_at: datetime | None
    created_at: datetime


@read_model
class Accounts:
    """Everybody who has an account, the first one first."""

    users: list[Account]


@read_model
class KeptFilter:
    """A filter of a list page, as a query string."""

    id: int
    name: str
    query: str


@read_model
class EmailsWanted:
    """Which e-mails a person gets; `requests` is for admins, the others for students."""

    decisions: bool
    purchases: bool
    messages: bool
    requests: bool


def signed_in(
    token: str, topics: tuple[Topic, ...] = (), *, factor_required_of: str = "optional"
) -> SignedIn | None:
    """Return whose sign-in this is, unless it has ended or the person was deactivated.

    And the topics' version: each page needs it, and one statement more would cost ten times that.
    """
    statement = _signed_in(topics, factor_required_of)
    found = read(SignedIn, statement, token=token_hash(token), now=now())
    return found[0] if found else None


def valid_sign_ins(*columns: Any) -> Select[Any]:
    """Return the SELECT of the sign-ins that stand at the moment `now`, with their people."""
    student, admin = constants("student", "admin")
    viewed = and_(
        VIEWED.id == SignIn.viewed_id,
        SignIn.viewed_until > bindparam("now", type_=UtcDateTime()),
        *(VIEWED.role == student, VIEWED.is_active, VIEWED.is_proven, User.role == admin),
    )
    return (
        select(*columns)
        .select_from(User)
        .join(SignIn, SignIn.user_id == User.id)
        .outerjoin(VIEWED, viewed)
        .where(SignIn.expires_at > bindparam("now", type_=UtcDateTime()))
        .where(User.is_active, User.is_proven)
    )


def seen_as(name: str) -> ColumnElement[Any]:
    """Return what is known of whom the portal is shown to: the student viewed, else the person."""
    return case((VIEWED.id.is_not(None), getattr(VIEWED, name)), else_=getattr(User, name))


def viewer() -> ColumnElement[int | None]:
    """Return the admin who views as a student; NULL where nobody does."""
    return case((VIEWED.id.is_not(None), User.id))


@cache
def _signed_in(topics: tuple[Topic, ...], factor_required_of: str) -> Select[Any]:
    # With every page there is the bell: one statement more would cost more than this count.
    unread = unread_of(seen_as("id")).scalar_subquery()
    found = valid_sign_ins(
        *columns(
            SignedIn,
            User,
            viewer_id=viewer(),
            id=seen_as("id"),
            email=seen_as("email"),
            name=seen_as("name"),
            role=seen_as("role"),
            version=seen_as("version"),
            time_zone=seen_as("time_zone"),
            unread_notices=unread,
            sign_in_id=SignIn.id,
            began_at=SignIn.created_at,
            seen_at=_SEEN_AT,
            lacks_factor=lacks_factor(factor_required_of),
            school_version=school.version(),
            calendar=calendar(),
            topics_version=summed(topics).scalar_subquery() if topics else literal_column("0"),
        )
    )
    return found.where(SignIn.token_hash == bindparam("token"))


def accounts() -> Accounts:
    """Return all accounts, of either role."""
    return Accounts(users=read(Account, select(*columns(Account, User)).order_by(User.id)))


def factors(user_id: int) -> list[Factor]:
    """Return a person's second factors, the first one first."""
    return read(Factor, _factors(), user_id=user_id)


def recovery_codes_left(user_id: int) -> int:
    """Return how many recovery codes a person can still use."""
    return int(execute(_codes_left(), user_id=user_id).scalar_one())


def passkeys(user_id: int) -> list[str]:
    """Return the ids by which a person's passkeys know themselves."""
    return list(execute(_passkeys(), user_id=user_id).scalars())


@cache
def _factors() -> Select[Any]:
    owned = SecondFactor.user_id == bindparam("user_id", type_=Integer)
    return select(*columns(Factor, SecondFactor)).where(owned).order_by(SecondFactor.id)


@cache
def _codes_left() -> Select[Any]:
    owned = RecoveryCode.user_id == bindparam("user_id", type_=Integer)
    return select(func.count()).select_from(RecoveryCode).where(owned)


@cache
def _passkeys() -> Select[Any]:
    owned = SecondFactor.user_id == bindparam("user_id", type_=Integer)
    return select(SecondFactor.credential_id).where(owned, SecondFactor.kind == "passkey")


def open_sign_ins(user_id: int) -> list[OpenSignIn]:
    """Return where a person is signed in, the one used last first."""
    return read(OpenSignIn, _open_sign_ins(), user_id=user_id, now=now())


@cache
def _open_sign_ins() -> Select[Any]:
    shown = columns(OpenSignIn, SignIn, began_at=SignIn.created_at, seen_at=_SEEN_AT)
    own = SignIn.user_id == bindparam("user_id")
    return valid_sign_ins(*shown).where(own).order_by(_SEEN_AT.desc(), SignIn.id.desc())


def saved_filters(user_id: int, page: str) -> list[KeptFilter]:
    """Return the filters that a person keeps of a page, by name."""
    return read(KeptFilter, _saved_filters(), user_id=user_id, page=page)


@cache
def _saved_filters() -> Select[Any]:
    own = (SavedFilter.user_id == bindparam("user_id"), SavedFilter.page == bindparam("page"))
    return select(*columns(KeptFilter, SavedFilter)).where(*own).order_by(SavedFilter.name)


def chosen_address(user_id: int) -> str | None:
    """Return the address that a person has chosen and not confirmed yet."""
    waiting = (AddressChange.user_id == user_id, AddressChange.expires_at > now())
    return db.session.scalar(select(AddressChange.email).where(*waiting))


def emails_wanted(user_id: int) -> EmailsWanted:
    """Return which e-mails a person has chosen to get."""
    row = db.session.execute(
        select(
            User.emails_decisions.label("decisions"),
            User.emails_purchases.label("purchases"),
            User.emails_messages.label("messages"),
            User.emails_requests.label("requests"),
        ).where(User.id == user_id)
    ).one()
    return EmailsWanted(**row._asdict())


def token_hash(token: str) -> str:
    """Return what the database keeps of a sign-in token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_new_school(session: Session) -> bool:
    """Return whether there is neither a person nor a course."""
    return not session.scalar(select(exists().select_from(User) | exists().select_from(Course)))


def has_admin(session: Session) -> bool:
    """Return whether the school has an admin, even one whose account is deactivated."""
    return bool(session.scalar(select(exists().where(User.role == "admin"))))


def all_exist(emails: Iterable[str]) -> bool:
    """Return whether there is an active account for each of the e-mails."""
    wanted = set(emails)
    found = db.session.scalar(
        select(func.count()).select_from(User).where(User.email.in_(wanted), User.is_active)
    )
    return found == len(wanted)
