"""E-mail addresses: lower case without blanks, and one account each."""

from typing import Any

from sqlalchemy import Select, case, exists, update
from sqlalchemy.orm import aliased

from lms.models import User
from lms.models.columns import normalized
from lms.sync.conditions import is_further
from lms.sync.finding import find
from lms.sync.kind import Check, Kind, Phase, Step

_SHARED = "Change or delete one of the accounts with this address."


def _not_normalized() -> Select[Any]:
    other, expected = aliased(User), normalized(User.email)
    taken = exists().where(normalized(other.email) == expected, other.id != User.id)
    return find(
        User,
        expected=expected,
        actual=User.email,
        attention=case((taken, _SHARED)),
    ).where(User.email.is_distinct_from(expected))


def _duplicate() -> Select[Any]:
    """Find further accounts with one address; whose learning is whose, a person decides."""
    return find(
        User,
        expected="one account per e-mail address",
        actual=User.email,
        attention=_SHARED,
    ).where(is_further(User, User.email))


def _normalize(step: Step) -> None:
    for row in step.found:
        step.run(update(User).where(User.id == row.row_id).values(email=row.expected))


KINDS = (
    Kind(
        "email_not_normalized",
        "E-mail addresses with capitals or spaces",
        "The address is stored in lower case without spaces.",
        Phase.VALUES,
        (Check(User, _not_normalized, _normalize),),
    ),
    Kind(
        "duplicate_email",
        "Accounts that share an e-mail address",
        "Nothing: an admin has to decide which account stays.",
        Phase.VALUES,
        (Check(User, _duplicate),),
    ),
)
