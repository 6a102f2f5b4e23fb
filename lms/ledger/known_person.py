"""By which names and addresses the records know a person, and texts without them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.models import (
    AddressChange,
    AuditEntry,
    Certificate,
    Decision,
    DecisionReversal,
    FormerAddress,
    Payment,
    User,
    pseudonym,
)

_BOTH = ("before", "after")
_NAMING = {"user.renamed": _BOTH}
_ADDRESSING = {
    "user.email_changed": _BOTH,
    "user.email_restored": _BOTH,
    "user.deleted": ("email",),
}
_LABELS = {"factor.added": ("name",), "factor.removed": ("name",)}
PERSONAL_DETAILS = _NAMING | _ADDRESSING | _LABELS
"""Which details of which entries name the one whom the entry is about, or are an address of theirs.

What people call their keys and apps often has their name in it.
"""
_LONG_ENOUGH = 5
"""Letters of a name of one word. A shorter one is too often a part of what else was written."""


@dataclass(frozen=True)
class KnownPerson:
    """A person in all the words that records have for them."""

    id: int
    names: frozenset[str]
    addresses: frozenset[str]
    own_addresses: frozenset[str]
    """Those that are nobody else's by now: where they stand, this person is meant."""

    def without(self, value: Any, *, is_own: bool) -> Any:
        """Return text, or JSON with all its texts, without the person.

        In records about the person themself, `is_own`, their full names go as well: elsewhere the
        same name may be somebody else's.
        """
        if isinstance(value, str):
            words = self._full_names() | self.addresses if is_own else self.own_addresses
            return _replaced(value, words, pseudonym(self.id))
        if isinstance(value, list):
            return [self.without(each, is_own=is_own) for each in value]
        if isinstance(value, dict):
            return {key: self.without(each, is_own=is_own) for key, each in value.items()}
        return value

    def _full_names(self) -> set[str]:
        return {each for each in self.names if len(each) >= _LONG_ENOUGH or " " in each}


def known_person(session: Session, person_id: int) -> KnownPerson:
    """Return a person as their account, the trail and all other records know them."""
    names = _found(session, _NAMES, person_id)
    addresses = _found(session, _ADDRESSES, person_id)
    told = session.execute(
        select(AuditEntry.action, AuditEntry.details).where(
            AuditEntry.student_id == person_id,
            AuditEntry.action.in_(PERSONAL_DETAILS),
        )
    )
    for action, details in told:
        names |= {str(details.get(key, "")) for key in _NAMING.get(action, ())}
        addresses |= {str(details.get(key, "")) for key in _ADDRESSING.get(action, ())}
    names -= {"", pseudonym(person_id)}
    addresses = {each for each in addresses if "@" in each}
    # Not who has only typed it: that proves nothing.
    is_theirs = (User.email.in_(addresses), User.is_proven)
    others = select(User.email).where(*is_theirs, User.id != person_id)
    return KnownPerson(
        person_id,
        frozenset(names),
        frozenset(addresses),
        frozenset(addresses - set(session.scalars(others))),
    )


_NAMES = (
    (User.name, User.id),
    (AuditEntry.student_name, AuditEntry.student_id),
    (AuditEntry.actor_name, AuditEntry.actor_id),
    (Decision.student_name, Decision.student_id),
    (Decision.decided_by_name, Decision.decided_by),
    (DecisionReversal.reversed_by_name, DecisionReversal.reversed_by),
    (Certificate.student_name, Certificate.user_id),
)
_ADDRESSES = (
    (User.email, User.id),
    (Decision.student_email, Decision.student_id),
    (Payment.user_email, Payment.user_id),
    (AddressChange.email, AddressChange.user_id),
    (FormerAddress.email, FormerAddress.user_id),
)


def _found(session: Session, columns: Iterable[tuple[Any, Any]], person_id: int) -> set[str]:
    return {
        found
        for column, person in columns
        for found in session.scalars(select(column).where(person == person_id).distinct())
    }


def _replaced(text: str, words: Iterable[str], by: str) -> str:
    # The longest first: a name may be part of an address.
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not either:
        return text
    return re.sub(rf"(?<!\w)(?:{either})(?!\w)", by, text, flags=re.IGNORECASE)
