"""Removes a person from the records that are kept: who it was, never what happened.

Triggers let the trail, decisions and their reversals change in this way alone, and only for those
whom `erasures` lists.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import ColumnElement, Select, Text, cast, delete, false, or_, select, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.ledger.known_person import PERSONAL_DETAILS, KnownPerson
from lms.ledger.owners import was_theirs
from lms.ledger.payment_endings import forget_buyer
from lms.messages.outbox import forget_recipient
from lms.models import (
    AccessRequest,
    AuditEntry,
    Decision,
    DecisionReversal,
    ImportOrigin,
    ImportRun,
    ManualRefund,
    OutboxEmail,
    Payment,
    RosterUpload,
    SavedFilter,
    StripeEvent,
    SyncAttention,
    SyncChange,
    SyncRun,
    Validation,
    pseudonym,
)
from lms.models.payments import STRIPE

_AT_ONCE = 500
_UNFOLLOWED = {"synchronize_session": False}
_ERASED = (
    "It was canceled because a person whom its preview might have shown has been erased. Nothing"
    " was imported. Start again."
)
_NO_PERSON = {"status", "kind", "currency"}
"""Texts of a kept row that say nothing about anybody, beside its times."""


def erase_traces(session: Session, person: KnownPerson) -> None:
    """Take a person, whose account is gone, out of all records; a second time changes nothing."""
    _erase_from_trail(session, person)
    _erase_from_decisions(session, person)
    forget_buyer(session, person.id, person.payments)
    theirs, by_hand = Payment.id.in_(person.payments), Payment.method != STRIPE
    _rewrite(session, person, Payment, (Payment.reference,), is_own=theirs, among=by_hand)
    refunded = ManualRefund.payment_id.in_(person.payments)
    _rewrite(session, person, ManualRefund, (ManualRefund.reference,), is_own=refunded)
    _erase_from_emails(session, person)
    _erase_from_imports(session, person)
    _erase_from_repairs(session, person)
    _erase_from_filters(session, person)


def _erase_from_trail(session: Session, person: KnownPerson) -> None:
    name = pseudonym(person.id)
    for whose, column in (
        (AuditEntry.student_id, AuditEntry.student_name),
        (AuditEntry.actor_id, AuditEntry.actor_name),
    ):
        _update(session, AuditEntry, whose == person.id, column != name, {column.key: name})
    about = AuditEntry.student_id == person.id
    _rewrite(session, person, AuditEntry, (AuditEntry.reason,), is_own=about)
    # Of facts, only those that are a name or an address: a role may be spelled like a name.
    is_personal = AuditEntry.action.in_(PERSONAL_DETAILS)
    told = select(AuditEntry.id, AuditEntry.action, AuditEntry.details).where(about, is_personal)
    for entry_id, action, details in session.execute(told).all():
        nameless = dict.fromkeys(details.keys() & PERSONAL_DETAILS[action], name)
        values = {"details": details | nameless}
        _update(session, AuditEntry, AuditEntry.id == entry_id, values)


def _erase_from_decisions(session: Session, person: KnownPerson) -> None:
    name = pseudonym(person.id)
    is_student = Decision.student_id == person.id
    emptied = {"student_name": name, "student_email": name, "message": ""}
    _update(session, Decision, is_student, Decision.student_name != name, emptied)
    _update(session, Decision, Decision.decided_by == person.id, {"decided_by_name": name})
    of_them = DecisionReversal.reversed_by == person.id
    _update(session, DecisionReversal, of_them, {"reversed_by_name": name})
    _rewrite(session, person, Decision, (Decision.reason,), is_own=is_student)
    # What others have written in requests of their own.
    _rewrite(session, person, AccessRequest, (AccessRequest.message,))


def _erase_from_emails(session: Session, person: KnownPerson) -> None:
    is_theirs = was_theirs(person.spans, OutboxEmail.recipient, OutboxEmail.created_at)
    forget_recipient(session, person.id, is_theirs)
    words = (OutboxEmail.subject, OutboxEmail.body)
    # What tells admins of requests has names alone; what has an address has the name beside it.
    is_own = or_(OutboxEmail.key.startswith("request"), _mentions(person, *words))
    # What is left at an address is about whoever else had it, or only typed it.
    of_others = OutboxEmail.recipient.not_in(person.addresses)
    _rewrite(session, person, OutboxEmail, words, is_own=is_own, among=of_others)
    _rewrite(session, person, OutboxEmail, (OutboxEmail.last_error,), among=of_others)


def _erase_from_imports(session: Session, person: KnownPerson) -> None:
    """Keep of the old account only what recognizes it, so that no import brings the person back."""
    origins = (ImportOrigin.table_name == "users", ImportOrigin.row_id == person.id)
    for origin_id, key in session.execute(
        select(ImportOrigin.id, ImportOrigin.key).where(*origins)
    ):
        if "@" in key:
            kept = {"key": digest(key), "label": ""}
            _update(session, ImportOrigin, ImportOrigin.id == origin_id, kept)
    # The preview may show a row of theirs, and the file has it: the worker deletes that.
    ended = {"status": "canceled", "report": {}, "mark": "", "answers": {}, "problem": _ERASED}
    _update(session, ImportRun, ImportRun.status == "open", {**ended, "finished_at": now()})
    _rewrite(session, person, ImportRun, (ImportRun.source, ImportRun.problem))
    session.execute(delete(RosterUpload))  # anybody may be named in one: they last a day anyway


def digest(address: str) -> str:
    """Return the digest of an erased person's address: it recognizes it without revealing it."""
    return hashlib.sha256(address.encode()).hexdigest()


def _erase_from_repairs(session: Session, person: KnownPerson) -> None:
    session.execute(
        delete(SyncAttention).where(
            or_(
                SyncAttention.student_id == person.id,
                (SyncAttention.table_name == "users") & (SyncAttention.row_id == person.id),
            )
        )
    )
    for model, column in (
        (SyncAttention, SyncAttention.reason),
        (SyncRun, SyncRun.error),
        (StripeEvent, StripeEvent.error),
        (Validation, Validation.error),
    ):
        _rewrite(session, person, model, (column,))
    for report_id, report in session.execute(select(Validation.id, Validation.report)):
        # A sample of what was wrong names students; the next validation knows nothing of this one.
        _update(session, Validation, Validation.id == report_id, {"report": _of(person, report)})
    _erase_from_changes(session, person)


def _of(person: KnownPerson, report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without a person: no sample of it shows a row of theirs."""
    for check in report.get("checks", ()):
        check["sample"] = [
            person.without(row, is_own=False)
            for row in check.get("sample", ())
            if row.get("student_id", row.get("studentId")) != person.id
            if (row.get("entity"), row.get("id")) != ("users", person.id)
        ]
    return report


def _erase_from_changes(session: Session, person: KnownPerson) -> None:
    """Empty what was kept of the person's rows: undo finds that they have changed since."""
    mine = [(SyncChange.table_name == "users") & (SyncChange.row_id == person.id)]
    for row in (SyncChange.before, SyncChange.after):
        mine += [row[key].as_string() == str(person.id) for key in ("user_id", "student_id")]
    found = select(SyncChange.id, SyncChange.before, SyncChange.after).where(or_(*mine))
    for part in _parts(session, SyncChange.id, found):
        for change_id, before, after in part:
            emptied = {"before": _impersonal(before), "after": _impersonal(after)}
            _update(session, SyncChange, SyncChange.id == change_id, emptied)
    _rewrite(
        *(session, person, SyncChange),
        (SyncChange.before, SyncChange.after, SyncChange.not_undone),
    )


def _impersonal(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        key: value
        for key, value in row.items()
        if not isinstance(value, str) or key in _NO_PERSON or key.endswith("_at")
    }


def _erase_from_filters(session: Session, person: KnownPerson) -> None:
    """Delete the filters by which admins looked for the person, who is not found any more."""
    words = {word.casefold() for word in person.names | person.addresses}
    found = session.execute(select(SavedFilter.id, SavedFilter.name, SavedFilter.query))
    for_them = [
        filter_id
        for filter_id, name, query in found
        if {name.casefold(), *(q.casefold() for q in parse_qs(query).get("q", []))} & words
        or person.without(name, is_own=False) != name
    ]
    session.execute(delete(SavedFilter).where(SavedFilter.id.in_(for_them)))


def _mentions(person: KnownPerson, *columns: Any) -> ColumnElement[bool]:
    """Find rows of anybody in which one of the person's addresses stands."""
    # In JSON, letters beyond ASCII are escaped.
    written = {form for each in person.own_addresses for form in (each, json.dumps(each)[1:-1])}
    return or_(
        false(),
        *(
            cast(column, Text).icontains(form, autoescape=True)
            for column in columns
            for form in sorted(written)
        ),
    )


def _rewrite(
    session: Session,
    person: KnownPerson,
    model: Any,
    texts: Sequence[Any],
    *,
    is_own: ColumnElement[bool] | None = None,
    among: ColumnElement[bool] | None = None,
) -> None:
    """Write texts anew that name the person: by any name in their own rows, else by an address."""
    own = false() if is_own is None else is_own
    found = select(model.id, own, *texts).where(or_(own, _mentions(person, *texts)))
    if among is not None:
        found = found.where(among)
    for part in _parts(session, model.id, found):
        for row_id, is_theirs, *before in part:
            changed = {
                column.key: new
                for column, text in zip(texts, before, strict=True)
                if (new := person.without(text, is_own=is_theirs)) != text
            }
            if changed:
                _update(session, model, model.id == row_id, changed)


def _parts(session: Session, key: Any, found: Select[Any]) -> Iterator[list[Any]]:
    """Read many rows a part at a time, in the order of their ids."""
    last = 0
    while rows := list(session.execute(found.where(key > last).order_by(key).limit(_AT_ONCE))):
        yield rows
        last = rows[-1].id


def _update(session: Session, model: Any, *which: Any) -> None:
    *conditions, values = which
    statement = update(model).where(*conditions).values(values)
    session.execute(statement, execution_options=_UNFOLLOWED)
