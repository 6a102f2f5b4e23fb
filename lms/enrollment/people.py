"""Accounts: adding, changing, deactivating and deleting people, with what follows for access."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, get_args

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    bindparam,
    delete,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from lms.db import now
from lms.enrollment.defaults import grant_defaults
from lms.identity import checked_name
from lms.ledger import viewing
from lms.ledger.audit import record, record_all
from lms.ledger.limits import count
from lms.ledger.locks import lock_default_courses, lock_defaults, lock_user
from lms.ledger.offers import withdraw_offers
from lms.ledger.payment_endings import account_removed
from lms.ledger.rows import Rows, as_table
from lms.ledger.waiting import fill_others
from lms.live import touch
from lms.messages.catalogue import INVITED_DAYS, AddressVouchedFor, Welcome
from lms.messages.outbox import QueuedEmail, queue_email, queue_many
from lms.messages.rendering import render
from lms.models import AccessRequest, Course, Enrollment, Role, SignIn, User, is_pending
from lms.models.columns import LONGEST_EMAIL
from lms.refusals import AddressNotConfirmed, EmailTaken, Invalid
from lms.statements import MOMENT, as_new, new_values, run
from lms.times import ZONE_ACCEPTED, zone_name
from lms.transaction import transactional
from lms.upsert import insert

Invite = Callable[[int, str], str]
"""Makes the link of an invitation for an account's id and address."""


@transactional
def add_user(
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str,
    role: Role = "student",
    by: int | None = None,
) -> int:
    """Add an account and return its id; a student is at once in all default-unlocked courses."""
    lock_defaults(session)
    courses = lock_default_courses(session) if role == "student" else []
    return open_account(
        session, courses, email=email, name=name, password_hash=password_hash, role=role, by=by
    )


def open_account(
    session: Session,
    courses: list[Course],
    *,
    email: str,
    name: str,
    password_hash: str,
    role: Role,
    by: int | None,
) -> int:
    """Add one account as `open_accounts` does, and return its id."""
    [user_id] = open_accounts(
        session, courses, [(email, name)], password_hash=password_hash, role=role, by=by
    )
    return user_id


def open_accounts(
    session: Session,
    courses: list[Course],
    people: Sequence[tuple[str, str]],
    *,
    password_hash: str = "",
    role: Role = "student",
    by: int | None,
) -> list[int]:
    """Add accounts by an admin's word, each of another address and a name; return their ids.

    They are let into these courses, which are open to all. A person who registered with such an
    address without proving it loses that account, which nobody has used yet. The caller holds the
    defaults, then the courses. In a fixed number of statements; raises EmailTaken.
    """
    named = [(_email(email), checked_name(name)) for email, name in people]
    new = as_new({"password_hash": password_hash, "role": role})
    opened = run(session, _opening(), people=named, moment=now(), **new)
    id_of = {email: user_id for user_id, email in opened}
    if len(id_of) < len(named):
        raise EmailTaken
    ids = [id_of[email] for email, _ in named]
    record_all(session, "user.added", [(each, None, {"role": role}) for each in ids], by=by)
    grant_defaults(session, courses, ids)
    touch(session, "people")
    return ids


@cache
def _opening() -> ReturningInsert[int, str]:
    named = as_table(bindparam("people", type_=Rows()), email=String(), name=String())
    values = {
        "email": named.c.email,
        "name": named.c.name,
        **new_values(User, "password_hash", "role"),
        "is_active": literal(True),
        "email_verified_at": MOMENT,
        "created_at": MOMENT,
    }
    chosen = select(*values.values()).where(named.c.email.is_not(None)).order_by(named.c.place)
    statement = insert(User).from_select(list(values), chosen)
    opening: ReturningInsert[int, str] = _or_take_over(statement, values).returning(
        *(User.id, User.email)
    )
    return opening


@transactional
def register_student(
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str,
    again_after: timedelta,
    place: str,
) -> int | None:
    """Open an account that gets nothing until its address is proven, and return its id.

    Who registers an address again, unproven as it is, replaces name and password, but not before
    this time has passed: each registration sends a mail. None where the account stays as it is.
    `place` stands for the network address: known e-mails count there like others.
    """
    count(session, "registration", place)
    user_id = _open(
        session,
        User.created_at <= now() - again_after,
        User.is_active == true(),
        email=_email(email),
        name=checked_name(name),
        password_hash=password_hash,
        role="student",
        email_verified_at=None,
        created_at=now(),
    )
    touch(session, "people")
    return user_id


@transactional
def vouch_for(session: Session, user_id: int, *, by: int, invite: Invite) -> bool:
    """Let an admin say that an unproven address is the person's own; False if it is proven.

    The person who registered may be somebody else: their password ends, and the address gets the
    link of an invitation.
    """
    lock_opening(session)
    user = lock_user(session, user_id)
    if user.is_proven:
        return False
    user.password_hash = ""
    user.invited_at = now()
    prove_address(session, user, by=by)
    news = AddressVouchedFor(user.email, invite(user_id, user.email), INVITED_DAYS)
    queue_email(session, render(news).email, user.email, key=welcome_key(user_id))
    return True


def welcome(session: Session, people: Sequence[tuple[int, str]], invite: Invite | None) -> None:
    """Invite people without a password, by id and address.

    Without a link where the portal's address isn't known.
    """
    welcome_all(session, people, invite)
    if invite:
        invited = User.id.in_([user_id for user_id, _ in people])
        session.execute(update(User).where(invited).values(invited_at=now()))


def welcome_all(session: Session, people: Iterable[tuple[int, str]], invite: Invite | None) -> None:
    """Queue the same for many, by id and address; the caller notes when they were invited."""
    queue_many(
        session,
        [
            QueuedEmail(
                welcome_key(user_id), email, render(invitation(user_id, email, invite)).email
            )
            for user_id, email in people
        ],
    )


def invitation(user_id: int, email: str, invite: Invite | None) -> Welcome:
    """Return the message that invites a person."""
    return Welcome(email, invite(user_id, email) if invite else "", INVITED_DAYS)


def welcome_key(user_id: int) -> str:
    """Return what names the e-mail that welcomes a new person."""
    return f"welcome-{user_id}"


def prove_address(session: Session, user: User, *, by: int | None = None) -> None:
    """Grant what all students have: reading the account's e-mail proves that it is theirs.

    The caller has called `lock_opening`, then locked the person.
    """
    if user.is_proven:
        return
    user.email_verified_at = now()
    session.flush()
    record(session, "user.added", by=by or user.id, student_id=user.id, role=user.role)
    if user.role == "student":
        grant_defaults(session, lock_default_courses(session), [user.id])
    touch(session, "people", students=[user.id])


def lock_opening(session: Session) -> list[Course]:
    """Lock what opening an account may give, and return it: the courses that are open to all."""
    lock_defaults(session)
    return lock_default_courses(session)


def _open(session: Session, *conditions: ColumnElement[bool], **account: object) -> int | None:
    """Insert an account, or take one over whose address was never proven; None for any other."""
    statement = _or_take_over(insert(User).values(**account), account, *conditions)
    user_id: int | None = session.scalar(statement.returning(User.id))
    return user_id


def _or_take_over(statement: Any, names: Iterable[str], *conditions: ColumnElement[bool]) -> Any:
    """Let an INSERT of accounts take over those whose address was never proven."""
    return statement.on_conflict_do_update(
        index_elements=[User.email],
        set_={name: statement.excluded[name] for name in names if name != "email"},
        where=and_(~User.is_proven, *conditions),
    )


@transactional
def choose_time_zone(session: Session, user_id: int, name: str) -> None:
    """Tell a person the time in this zone; blank: in the school's. Raises Invalid."""
    chosen = zone_name(name) if name.strip() else None
    if chosen is None and name.strip():
        raise Invalid("time_zone", ZONE_ACCEPTED)
    session.execute(update(User).where(User.id == user_id).values(time_zone=chosen))
    touch(session, students=[user_id])


@transactional
def rename_user(session: Session, user_id: int, name: str, *, by: int) -> None:
    """Change a person's name."""
    user = lock_user(session, user_id)
    if (name := checked_name(name)) != user.name:
        record(session, "user.renamed", by=by, student_id=user_id, before=user.name, after=name)
        user.name = name
        touch(session, "people", "requests", students=[user_id])


@transactional
def change_role(
    session: Session, user_id: int, role: Role, *, by: int | None, reason: str = ""
) -> None:
    """Make a student an admin or an admin a student, who has to sign in again.

    The last active admin stays one.
    """
    if role not in get_args(Role):
        raise Invalid("role", "Choose student or admin.")
    courses = lock_opening(session)
    lock_admins(session)
    user = lock_user(session, user_id)
    if user.role == role:
        return
    if not user.is_proven:
        raise AddressNotConfirmed
    if role == "student":
        keep_an_admin(session, user)
    record(
        session,
        "user.role_changed",
        by=by,
        student_id=user_id,
        reason=reason,
        before=user.role,
        after=role,
    )
    user.role = role
    session.flush()
    end_sessions(session, user_id)
    if role == "admin":
        # Only students can be enrolled: the request would stay in the queue, undecidable.
        _drop_requests(session, user_id, by=by)
        fill_others(session, _drop_offers(session, user_id, by=by))
    else:
        grant_defaults(session, courses, [user_id])
    touch(session, "people", students=[user_id])


@transactional
def deactivate_user(session: Session, user_id: int, *, by: int | None, reason: str = "") -> None:
    """Lock a person out and end all their sessions; access and progress are kept."""
    lock_admins(session)
    user = lock_user(session, user_id)
    if not user.is_active:
        return
    keep_an_admin(session, user)
    user.is_active = False
    end_sessions(session, user_id)
    viewing.end_views_of(session, user_id)
    record(session, "user.deactivated", by=by, student_id=user_id, reason=reason)
    fill_others(session, _drop_offers(session, user_id, by=by, reason=reason))
    touch(session, "people", students=[user_id])


@transactional
def end_sign_ins(session: Session, user_id: int, *, by: int | None) -> int:
    """Sign a person out everywhere, and return of how many browsers."""
    lock_user(session, user_id)
    moment = now()
    gone = viewing.end_sign_ins(session, SignIn.user_id == user_id)
    ended = sum(expires_at > moment for expires_at in gone)
    if ended:
        record(session, "user.signed_out", by=by, student_id=user_id, sign_ins=ended)
        touch(session, "people")
    return ended


@transactional
def reactivate_user(session: Session, user_id: int, *, by: int | None) -> None:
    """Let a deactivated person sign in again."""
    user = lock_user(session, user_id)
    if not user.is_active:
        user.is_active = True
        record(session, "user.reactivated", by=by, student_id=user_id)
        touch(session, "people", students=[user_id])


@transactional
def delete_user(session: Session, user_id: int, *, by: int | None, reason: str = "") -> None:
    """Remove a person with all their learning; payments, decisions and the trail stay readable."""
    lock_admins(session)
    remove_account(session, lock_user(session, user_id), by=by, reason=reason)


def remove_account(session: Session, user: User, *, by: int | None, reason: str) -> None:
    """Delete an account that is locked, as are all admins, with what ends along with it."""
    keep_an_admin(session, user)
    _drop_requests(session, user.id, by=by)
    held = _drop_offers(session, user.id, by=by, reason=reason)
    courses = session.scalars(
        select(Enrollment.course_id).where(Enrollment.user_id == user.id).order_by(Enrollment.id)
    ).all()
    for course_id in courses:
        record(
            session, "access.ended", by=by, student_id=user.id, course_id=course_id, reason=reason
        )
    account_removed(session, user, by=by, reason=reason)
    record(
        session,
        "user.deleted",
        by=by,
        student_id=user.id,
        reason=reason,
        email=user.email,
    )
    viewing.end_sign_ins(session, SignIn.user_id == user.id)
    viewing.end_views_of(session, user.id)
    session.execute(delete(User).where(User.id == user.id))
    fill_others(session, [*courses, *held])
    touch(session, "people", "requests", "access", "payments", "catalogue")


def normalize_email(email: str) -> str:
    """Return the address as it is stored and compared."""
    return email.strip().lower()


def _email(email: str) -> str:
    email = normalize_email(email)
    if not 3 <= len(email) <= LONGEST_EMAIL or "@" not in email:
        raise Invalid("email", "Enter an e-mail address, such as name@example.org.")
    return email


def end_sessions(session: Session, user_id: int) -> None:
    """Sign a person out everywhere."""
    viewing.end_sign_ins(session, SignIn.user_id == user_id)


def _drop_requests(session: Session, user_id: int, *, by: int | None) -> None:
    dropped = session.execute(
        delete(AccessRequest)
        .where(AccessRequest.student_id == user_id, is_pending())
        .returning(AccessRequest.id, AccessRequest.course_id)
    ).all()
    for request_id, course_id in dropped:
        record(
            session,
            "request.dropped",
            by=by,
            student_id=user_id,
            course_id=course_id,
            request_id=request_id,
        )
        touch(session, "requests")


def _drop_offers(session: Session, user_id: int, *, by: int | None, reason: str = "") -> list[int]:
    """End what was offered to a person, and return the courses whose seats are free now."""
    ended = withdraw_offers(session, "student", user_id, by=by, reason=reason, tells=False)
    return [offer.course_id for offer in ended]


def lock_admins(session: Session) -> None:
    # Two admins who demote each other at the same time must not leave the school without one.
    session.execute(
        select(User.id)
        .where(User.role == "admin")
        .order_by(User.id)
        .with_for_update(key_share=True)
    )


def keep_an_admin(session: Session, user: User) -> None:
    if user.role != "admin" or not user.is_active:
        return
    others = session.scalar(
        select(func.count())
        .select_from(User)
        .where(User.role == "admin", User.is_active, User.id != user.id)
    )
    if not others:
        raise Invalid("role", "This is the only active admin. Make someone else an admin first.")
