"""The old school's people: one account for each e-mail address."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from sqlalchemy import Boolean, Column, String, func, select

from lms import hashes
from lms.db import UtcDateTime, now
from lms.enrollment import intake
from lms.identity import checked_email
from lms.importing.legacy.job import DELETED, Job
from lms.importing.legacy.rules import change, index_keys, judge, merge_all_but_first
from lms.importing.legacy.staging import Kind, batches, scratch_table
from lms.importing.legacy.values import OldRow, Row
from lms.models import Role, User
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
    Column("is_admin_here", Boolean, server_default="0"),
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
    name = row.line("name", LONGEST_NAME)
    if not name and email:
        row.repaired("no name: the first part of the e-mail address is used")
        name = email.partition("@")[0][:LONGEST_NAME]
    password_hash = hashes.kept(row.text("password_hash"))
    if row.is_given("password_hash") and not password_hash:
        row.repaired("the password can't be verified by the portal: its owner has to reset it")
    return row.staged(
        email=email,
        name=name,
        password_hash=password_hash,
        role=row.word("role", get_args(Role), otherwise="student", missing="student"),
        is_active=row.flag("is_active", default=True),
        created_at=row.moment("created_at") or now(),
    )


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
    if email != written:
        row.repaired("the e-mail address is changed to lower case without spaces")
    return email


PEOPLE = Kind(
    users, ("id", *_FIELDS), _read, {"name": ("fullname",), "password_hash": _NAMES_OF_HASHES}
)


def merge_same(job: Job) -> None:
    """Let rows of the same e-mail address be one person."""
    merge_all_but_first(
        job.scratch,
        users,
        "the same e-mail address as an earlier row, whose name, role and password are kept",
        [users.c.email],
    )
    change(job.scratch, users, origin=users.c.email, label=func.coalesce(users.c.key, ""))


def decide(job: Job) -> None:
    """Find existing accounts; people who were deleted here are not brought back."""

    def by(rows: Sequence[Any]) -> Iterator[Row]:
        emails = [row.email for row in rows]
        found = job.session.execute(
            select(User.email, User.id, User.role).where(User.email.in_(emails), User.is_proven)
        )
        here = {account.email: account for account in found}
        known = job.known("users", emails)
        for row in rows:
            if account := here.get(row.email):
                yield {
                    "row": row.row,
                    "target": account.id,
                    "is_admin_here": account.role == "admin",
                    "verdict": "merged",
                    "reason": "an account with this e-mail address already exists; it is left"
                    " unchanged",
                }
            elif row.email in known:
                yield {
                    "row": row.row,
                    "target": None,
                    "is_admin_here": False,
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
