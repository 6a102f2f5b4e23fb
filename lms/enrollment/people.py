"""Accounts: adding, renaming, deactivating and deleting people, with what follows for access."""

from typing import get_args

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment.defaults import grant_defaults
from lms.identity import checked_name
from lms.ledger.audit import record
from lms.ledger.locks import lock_default_courses, lock_defaults, lock_user
from lms.ledger.payment_endings import account_removed
from lms.live import touch
from lms.models import AccessRequest, Course, Enrollment, Role, SignIn, User
from lms.models.columns import LONGEST_EMAIL
from lms.refusals import EmailTaken, Invalid
from lms.transaction import transactional
from lms.upsert import insert


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
    """Add an account, and let it into these courses that are open to all.

    The caller holds the defaults, then the courses.
    """
    user_id = session.scalar(
        insert(User)
        .values(
            email=_email(email),
            name=checked_name(name),
            password_hash=password_hash,
            role=role,
            is_active=True,
            created_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if user_id is None:
        raise EmailTaken
    record(session, "user.added", by=by or user_id, student_id=user_id, role=role)
    grant_defaults(session, courses, user_id)
    touch(session, "people")
    return user_id


@transactional
def rename_user(session: Session, user_id: int, name: str, *, by: int) -> None:
    """Change a person's name."""
    user = lock_user(session, user_id)
    if (name := checked_name(name)) != user.name:
        record(session, "user.renamed", by=by, student_id=user_id, before=user.name, after=name)
        user.name = name
        touch(session, "people", "requests", students=[user_id])


@transactional
def change_role(session: Session, user_id: int, role: Role, *, by: int | None) -> None:
    """Make a student an admin or an admin a student; the last active admin stays one."""
    if role not in get_args(Role):
        raise Invalid("role", "Choose student or admin.")
    lock_defaults(session)
    courses = lock_default_courses(session)
    _lock_admins(session)
    user = lock_user(session, user_id)
    if user.role == role:
        return
    if role == "student":
        _keep_an_admin(session, user)
    record(session, "user.role_changed", by=by, student_id=user_id, before=user.role, after=role)
    user.role = role
    session.flush()
    if role == "admin":
        # Only students can be enrolled: the request would stay in the queue, undecidable.
        _drop_requests(session, user_id, by=by)
    else:
        grant_defaults(session, courses, user_id)
    touch(session, "people", students=[user_id])


@transactional
def deactivate_user(session: Session, user_id: int, *, by: int | None, reason: str = "") -> None:
    """Lock a person out and end all their sessions; access and progress are kept."""
    _lock_admins(session)
    user = lock_user(session, user_id)
    if not user.is_active:
        return
    _keep_an_admin(session, user)
    user.is_active = False
    session.execute(delete(SignIn).where(SignIn.user_id == user_id))
    record(session, "user.deactivated", by=by, student_id=user_id, reason=reason)
    touch(session, "people", students=[user_id])


@transactional
def end_sign_ins(session: Session, user_id: int, *, by: int | None) -> int:
    """Sign a person out everywhere, and return of how many browsers."""
    lock_user(session, user_id)
    ended = len(
        session.execute(delete(SignIn).where(SignIn.user_id == user_id).returning(SignIn.id)).all()
    )
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
    _lock_admins(session)
    user = lock_user(session, user_id)
    _keep_an_admin(session, user)
    _drop_requests(session, user_id, by=by)
    courses = session.scalars(
        select(Enrollment.course_id).where(Enrollment.user_id == user_id).order_by(Enrollment.id)
    ).all()
    for course_id in courses:
        record(
            session, "access.ended", by=by, student_id=user_id, course_id=course_id, reason=reason
        )
    account_removed(session, user, by=by, reason=reason)
    record(
        session,
        "user.deleted",
        by=by,
        student_id=user_id,
        reason=reason,
        email=user.email,
    )
    session.execute(delete(User).where(User.id == user_id))
    touch(session, "people", "requests", "access", "payments", "catalogue")


def normalize_email(email: str) -> str:
    """Return the address as it is stored and compared."""
    return email.strip().lower()


def _email(email: str) -> str:
    email = normalize_email(email)
    if not 3 <= len(email) <= LONGEST_EMAIL or "@" not in email:
        raise Invalid("email", "Enter an e-mail address, such as name@example.org.")
    return email


def _drop_requests(session: Session, user_id: int, *, by: int | None) -> None:
    dropped = session.execute(
        delete(AccessRequest)
        .where(AccessRequest.student_id == user_id, AccessRequest.status == "pending")
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


def _lock_admins(session: Session) -> None:
    # Two admins who demote each other at the same time must not leave the school without one.
    session.execute(
        select(User.id)
        .where(User.role == "admin")
        .order_by(User.id)
        .with_for_update(key_share=True)
    )


def _keep_an_admin(session: Session, user: User) -> None:
    if user.role != "admin" or not user.is_active:
        return
    others = session.scalar(
        select(func.count())
        .select_from(User)
        .where(User.role == "admin", User.is_active, User.id != user.id)
    )
    if not others:
        raise Invalid("role", "This is the only active admin. Make someone else an admin first.")
