"""Passwords that lie beside the people: better-auth keeps them in a table of accounts."""

from sqlalchemy import Column, String, exists, select, update

from lms import hashes
from lms.importing.legacy.job import Job
from lms.importing.legacy.names import USER
from lms.importing.legacy.people import users
from lms.importing.legacy.questions import SIGN_IN, about
from lms.importing.legacy.row import OldRow
from lms.importing.legacy.rules import merge, refer_or_refuse
from lms.importing.legacy.staging import Kind, scratch_table
from lms.importing.legacy.values import Row

credentials = scratch_table(
    "credentials", Column("password_hash", String), refers_to={"user": users}
)


def _read(row: OldRow) -> Row:
    password_hash = hashes.kept(row.text("password_hash"))
    if row.is_given("password_hash") and not password_hash:
        row.refusal = about(
            SIGN_IN, "the password can't be verified by the portal: its owner has to reset it"
        )
    return row.staged(user_key=row.key("user_id"), password_hash=password_hash)


CREDENTIALS = Kind(
    credentials,
    ("id", "user_id", "password_hash", "provider", "expires_at"),
    _read,
    {
        "user_id": USER,
        "password_hash": ("password", "hashedpassword"),
        "provider": ("providerid", "type"),
        # Of another service's tokens, which end without anybody losing access here.
        "expires_at": ("accesstokenexpiresat", "refreshtokenexpiresat"),
    },
    called=("account", "accounts", "credential"),
    needs=("user_id", "password_hash"),
)


def decide(job: Job) -> None:
    """Give each person the password that lies beside them, unless they have one of their own."""
    refer_or_refuse(job.scratch, credentials)
    beside = (
        select(credentials.c.password_hash)
        .where(
            credentials.c.verdict.is_(None),
            credentials.c.user_row == users.c.row,
            credentials.c.password_hash != "",
        )
        .order_by(credentials.c.row)
        .limit(1)
    )
    job.scratch.execute(
        update(users)
        .where(users.c.password_hash == "", exists(beside))
        .values(password_hash=beside.scalar_subquery())
    )
    why = "sign-in details are kept with the account, not as rows of their own"
    merge(job.scratch, credentials, why)
