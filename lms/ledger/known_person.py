"""By which names and addresses the records know a person, and texts without them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from lms.ledger.owners import CHANGES, Span, spans_of, was_theirs
from lms.models import (
    AddressChange,
    AuditEntry,
    Certificate,
    Decision,
    DecisionReversal,
    FormerAddress,
    OutboxEmail,
    Payment,
    User,
    pseudonym,
)

_BOTH = ("before", "after")
_NAMING = {"user.renamed": _BOTH}
_ADDRESSING = dict.fromkeys(CHANGES, _BOTH) | {"user.deleted": ("email",)}
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
    spans: tuple[Span, ...]
    """When the addresses were theirs, and not somebody else's."""
    payments: frozenset[int]

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
    names = _found(session, _NAMES, person_id) | _told(session, _NAMING, person_id)
    names -= {"", pseudonym(person_id)}
    had = _addresses_had(session, person_id)
    addresses = had | _found(session, _CHOSEN, person_id)
    # Not who has only typed it: that proves nothing.
    is_theirs = (User.email.in_(addresses), User.is_proven)
    others = select(User.email).where(*is_theirs, User.id != person_id)
    spans = tuple(spans_of(session, person_id, had))
    return KnownPerson(
        person_id,
        frozenset(names),
        frozenset(addresses),
        frozenset(addresses - set(session.scalars(others))),
        spans,
        frozenset(session.scalars(_payments(person_id, spans))),
    )


def emails_to(session: Session, person_id: int) -> list[int]:
    """Return the ids of the e-mails to a person, at whatever address they had then."""
    spans = spans_of(session, person_id, _addresses_had(session, person_id))
    is_theirs = was_theirs(spans, OutboxEmail.recipient, OutboxEmail.created_at)
    return list(session.scalars(select(OutboxEmail.id).where(is_theirs)))


def _payments(person_id: int, spans: Iterable[Span]) -> Select[int]:
    """Select what a person has paid: by account, by the trail, else by whose the address was."""
    payment_id = AuditEntry.details["payment_id"].as_integer()
    told = and_(AuditEntry.action.startswith("payment."), payment_id == Payment.id)
    of_them = exists().where(told, AuditEntry.student_id == person_id)
    of_anybody = exists().where(told, AuditEntry.student_id.is_not(None))
    theirs = was_theirs(spans, Payment.user_email, Payment.created_at)
    no_account = and_(Payment.user_id.is_(None), or_(of_them, and_(theirs, ~of_anybody)))
    return select(Payment.id).where(or_(Payment.user_id == person_id, no_account))


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
    (FormerAddress.email, FormerAddress.user_id),
)
_CHOSEN = ((AddressChange.email, AddressChange.user_id),)
"""Not theirs yet, and maybe somebody else's."""


def _addresses_had(session: Session, person_id: int) -> set[str]:
    had = _found(session, _ADDRESSES, person_id) | _told(session, _ADDRESSING, person_id)
    return {each for each in had if "@" in each}


def _found(session: Session, columns: Iterable[tuple[Any, Any]], person_id: int) -> set[str]:
    return {
        found
        for column, person in columns
        for found in session.scalars(select(column).where(person == person_id).distinct())
    }


def _told(session: Session, details: Mapping[str, tuple[str, ...]], person_id: int) -> set[str]:
    """Return what the trail says of a person in these details of these entries."""
    told = select(AuditEntry.action, AuditEntry.details).where(
        AuditEntry.student_id == person_id, AuditEntry.action.in_(details)
    )
    return {
        str(said.get(key, "")) for action, said in session.execute(told) for key in details[action]
    }


def _replaced(text: str, words: Iterable[str], by: str) -> str:
    # The longest first: a name may be part of an address.
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not either:
        return text
    return re.sub(rf"(?<!\w)(?:{either})(?!\w)", by, text, flags=re.IGNORECASE)
