"""The old school's people: one account for each e-mail address."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, String, Table, and_, exists, func, or_, select, update

from lms import hashes
from lms.db import UtcDateTime, now
from lms.enrollment import intake
from lms.identity import checked_email
from lms.importing.legacy.job import DELETED, Job
from lms.importing.legacy.questions import ACCESS, SIGN_IN, UNANSWERED
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import change, index_keys, judge, merge_all_but_first
from lms.importing.legacy.staging import Kind, batches, marks, scratch_table
from lms.importing.legacy.values import Row
from lms.importing.legacy.words import ACCOUNTS, ROLES, meaning, words_in
from lms.models import User
from lms.models.columns import LONGEST_NAME
from lms.refusals import Invalid

users = scratch_table(
    "users",
    Column("email", String, index=True),
    Column("name", String),
    Column("password_hash", String),
    Column("role", String),
    Column("is_active", Boolean),
    Column("created_at", UtcDateTime),
    Column("is_closed", Boolean),  # nobody could sign in to it any more
    Column("is_deleted", Boolean),
    Column("is_admin_here", Boolean, server_default="0"),
    Column("is_active_here", Boolean, server_default="0"),
    is_referred_to=True,
)
_NAMES_OF_HASHES = (
    "password",  # Django, NextAuth, better-auth
    "hashedpassword",
    "passworddigest",  # Rails' has_secure_password
    "encryptedpassword",  # Devise
    "userpass",  # WordPress
)
_FIELDS = ("email", "name", "password_hash", "role", "is_active", "created_at")


def _read(row: OldRow) -> Row:
    email = _email(row)
    name = row.line("name", LONGEST_NAME) or _full_name(row)
    if not name and email:
        row.repaired("no name: the first part of the e-mail address is used")
        name = email.partition("@")[0][:LONGEST_NAME]
    password_hash = hashes.kept(row.text("password_hash"))
    if row.is_given("password_hash") and not password_hash:
        row.repaired(
            "the password can't be verified by the portal: its owner has to reset it", SIGN_IN
        )
    is_deleted, is_closed = row.is_set("deleted_at"), _is_closed(row)
    if row.is_unknown("status") and not row.refusal:
        row.refusal = UNANSWERED
    if is_deleted or is_closed:
        done = "deleted" if is_deleted else "deactivated"
        row.repaired(
            f"the account was {done} in the earlier system: nobody can sign in to it", ACCESS
        )
    return row.staged(
        email=email,
        name=name,
        password_hash=password_hash,
        role=_role(row),
        is_active=not (is_deleted or is_closed),
        is_closed=is_deleted or is_closed,
        is_deleted=is_deleted,
        created_at=row.moment("created_at") or now(),
    )


def _full_name(row: OldRow) -> str:
    names = (row.line(part, LONGEST_NAME) for part in ("first_name", "last_name"))
    return " ".join(filter(None, names))[:LONGEST_NAME] or row.line("user_name", LONGEST_NAME)


def _is_closed(row: OldRow) -> bool:
    """Return whether the account was banned, locked or switched off, in whatever column."""
    status = row.word("status", ACCOUNTS, otherwise="closed", missing="active", blank="active")
    is_banned = row.is_set("closed_at") and not (
        row.is_set("ban_ends_at") and row.has_come("ban_ends_at")
    )
    return is_banned or status == "closed" or not row.flag("is_active", default=True)


def _role(row: OldRow) -> str:
    """Return the role here; who could do more than learn, but less than everything, only learns."""
    said = words_in(row.get("role"))
    answered = row.reading.answers.words.get(("users", "role"), {})
    known = {meaning(word, ROLES, answered) for word in said}
    if "admin" in known or row.is_set("is_admin"):
        return "admin"
    if "teacher" in known:
        row.repaired(
            f"the role '{row.shown('role')}': the portal has students and admins only, so this is a"
            " student; make an admin of anyone who needs to be one",
            ACCESS,
        )
    elif row.has("role") and "student" not in known:
        what = "unknown" if said else "blank"
        row.repaired(f"the role is {what}: treated as 'student'", ACCESS if said else "")
    return "student"


def _email(row: OldRow) -> str | None:
    if not row.is_given("email"):
        row.refusal = "no e-mail address: nobody could sign in to the account"
        return None
    written = row.text("email")
    try:
        email = checked_email(written)
    except Invalid:
        row.refusal = "the e-mail address isn't valid"
        return None
    if email != written.strip().lower():
        row.repaired("the e-mail address is written in its usual form")
    return email


PEOPLE = Kind(
    users,
    (
        *("id", "email", "name", "first_name", "last_name", "user_name", "password_hash"),
        *("role", "is_admin", "is_active", "status", "closed_at", "ban_ends_at", "deleted_at"),
        "created_at",
    ),
    _read,
    {
        "email": ("emailaddress", "mail", "useremail"),
        "name": ("fullname", "displayname", "realname"),
        "first_name": ("givenname", "forename"),
        "last_name": ("surname", "familyname"),
        "user_name": ("login", "nickname"),
        "password_hash": _NAMES_OF_HASHES,
        "role": ("roles", "userrole", "usertype"),
        "is_admin": ("admin", "issuperuser", "superuser", "issuperadmin"),
        "is_active": ("active", "isenabled", "enabled"),
        "status": ("accountstatus", "userstatus", "state"),
        "closed_at": marks(
            "banned blocked suspended disabled deactivated locked archived inactive"
        ),
        "ban_ends_at": ("banexpires", "banexpiresat", "bannedtill", "banneduntil"),
        "deleted_at": marks("deleted removed"),
        "created_at": ("datejoined", "registeredat", "joinedat", "createdon", "signupdate"),
    },
    called=("user", "member", "members", "student", "students", "learners", "people", "person"),
    needs=("email",),
)


def merge_same(job: Job) -> None:
    """Let rows of the same e-mail address be one person."""
    merge_all_but_first(
        job.scratch,
        users,
        "the same e-mail address as an earlier row, whose name, role and password are kept",
        [users.c.email],
        order=[users.c.is_closed],  # who has another account that is open can sign in to it
    )
    change(job.scratch, users, origin=users.c.email, label=func.coalesce(users.c.key, ""))


def decide(job: Job) -> None:
    """Find existing accounts; people who were deleted here are not brought back."""

    def by(rows: Sequence[Any]) -> Iterator[Row]:
        emails = [row.email for row in rows]
        found = job.session.execute(
            select(User.email, User.id, User.role, User.is_active).where(
                User.email.in_(emails), User.is_proven
            )
        )
        here = {account.email: account for account in found}
        known = job.known("users", emails)
        for row in rows:
            if account := here.get(row.email):
                yield {
                    "row": row.row,
                    "target": account.id,
                    "is_admin_here": account.role == "admin",
                    "is_active_here": account.is_active,
                    "verdict": "merged",
                    "reason": "an account with this e-mail address already exists; it is left"
                    " unchanged",
                }
            elif row.email in known:
                yield {
                    "row": row.row,
                    "target": None,
                    "is_admin_here": False,
                    "is_active_here": False,
                    "verdict": "refused",
                    "reason": DELETED,
                }

    judge(job.scratch, users, by)
    index_keys(job.scratch, users)


def write(job: Job) -> None:
    """Add the accounts."""
    for rows in job.coming(users):
        people = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
        job.settle(users, rows, intake.add_people(job.session, people, invite=job.invite))
    # Who was here already is remembered too: once deleted here, an import brings nobody back.
    merged = (users.c.verdict == "merged", users.c.row == users.c.winner)
    for rows in batches(job.scratch, users, *merged):
        job.remember("users", [(row.origin, row.label, row.target) for row in rows])


def note_closed(job: Job, table: Table) -> None:
    """Mark rows of accounts from which nothing may come in as access.

    Such an account was deleted; or it was closed, and would be one with an account that is open.
    """
    own, kept = users.alias("own"), users.alias("kept")
    is_open = or_(~kept.c.is_closed, kept.c.is_active_here)
    merged_into_open = and_(own.c.is_closed, exists().where(kept.c.row == own.c.winner, is_open))
    closed = exists().where(own.c.key == table.c.user_key, or_(own.c.is_deleted, merged_into_open))
    job.scratch.execute(update(table).values(user_is_closed=closed))
