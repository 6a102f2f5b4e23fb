"""What the audit trail says of access: what was granted and not ended, since when, and by whom.

It outlives the tables of access: where a restore has lost them, they are rebuilt by it. Read up to
a moment of the past, it says what they held then.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from lms.db import LARGEST_ID, UtcDateTime
from lms.ledger.audit import moment_told
from lms.ledger.basis import RESTING, is_in_force
from lms.ledger.rows import PAIR, PAIRS, Pair, as_table, of_pairs
from lms.ledger.sources import Grant, Source
from lms.models import AuditEntry, Payment, SourceKind, last_completion
from lms.models.columns import constants, normalized
from lms.models.payment_status import GIVING_ACCESS
from lms.statements import run

GRANTED, WITHDRAWN, ENDED, REOPENED, RESET, CERTIFIED = constants(
    *("access.granted", "access.source_withdrawn", "access.ended"),
    *("chapter.reopened", "progress.reset", "certificate.issued"),
)


class Until(NamedTuple):
    """How far the trail is read: entries of this moment or earlier, and none after this one."""

    at: datetime
    entry: int = LARGEST_ID
    """Tells apart what happened at one moment, by a clock that stood still."""


class Standing(NamedTuple):
    """Access that was granted and not ended."""

    enrolled_at: datetime
    last_activity_at: datetime | None
    completed_at: datetime | None
    """When the last chapter was completed, or the certificate's course, whichever came later."""
    grants: Mapping[Source, Grant]


def standing(session: Session, pairs: Collection[Pair]) -> dict[Pair, Standing]:
    """Return the access of these pairs as the trail has it, by sources that are still in force."""
    if not pairs:
        return {}
    told: dict[Pair, list[Any]] = defaultdict(list)
    for entry in run(session, _standing(), pairs=pairs):
        told[entry.student_id, entry.course_id].append(entry)
    entries = {pair: found for pair, found in told.items() if any(map(_STANDS, found))}
    if not entries:
        return {}
    acts: dict[Pair, list[Any]] = defaultdict(list)
    for act in run(session, _acts(), pairs=list(entries)):
        acts[act.student_id, act.course_id].append(act)
    completed = {
        (student, course): at
        for student, course, at in run(session, _last_completions(), pairs=list(entries))
    }
    return {
        pair: _summed_up(found, acts[pair], completed.get(pair)) for pair, found in entries.items()
    }


def is_unended(grant: Any = AuditEntry) -> ColumnElement[bool]:
    """Return whether a grant is the last of its pair, and has not been ended."""
    return and_(grant.action == GRANTED, ~is_followed(grant, GRANTED), ~_ended(grant))


def is_followed(
    entry: Any, action: Any, later: Any = None, *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return whether a later entry of the same pair has this action."""
    later = aliased(AuditEntry) if later is None else later
    return (
        exists()
        .where(
            later.student_id == entry.student_id,
            later.course_id == entry.course_id,
            later.action == action,
            later.id > entry.id,
            *conditions,
        )
        .correlate_except(later)
    )


def has_standing(pair: tuple[Any, Any]) -> ColumnElement[bool]:
    """Return whether a pair has a grant that was never ended and whose basis is in force."""
    grant = aliased(AuditEntry)
    student, course = pair
    return (
        exists()
        .where(grant.student_id == student, grant.course_id == course, _stands(grant))
        .correlate_except(grant)
    )


def grants(chosen: ColumnElement[bool], *, past: bool = False) -> Select[*tuple[Any, ...]]:
    """Select the grants that were not ended, and whether each `stands`, in their order.

    With `past`, as of what `until` gives the statement: the trail alone says then what stood.
    """
    grant = AuditEntry
    return (
        select(
            *(grant.id, grant.at, grant.actor_id, grant.student_id, grant.course_id),
            *(grant.details, _stands(grant, past=past).label("stands")),
        )
        .where(chosen, grant.action == GRANTED, *_told(grant, past), ~_ended(grant, past=past))
        .order_by(grant.id)
    )


def stood(grant: Any = AuditEntry) -> ColumnElement[bool]:
    """Return whether an entry is a grant that stood as of what `until` gives the statement."""
    return _stands(grant, past=True)


def until(told: Until) -> dict[str, Any]:
    """Return the values for a statement about the past."""
    return {"until_moment": told.at, "until_entry": told.entry}


def within(entry: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that an entry is among those that `until` lets a statement read."""
    return (entry.at <= _MOMENT, entry.id <= _ENTRY)


def begun(told: Sequence[Any]) -> datetime:
    """Return since when there has been access, by the grants that were not ended."""
    entered = _entered(told)
    return moment_told(entered.details.get("enrolled_at")) or entered.at


def first_grants(told: Iterable[Any]) -> dict[Source, Any]:
    """Return the grants that stand, by their sources; of two of one source, the first."""
    first: dict[Source, Any] = {}
    for each in filter(_STANDS, told):
        source = Source(
            *(each.student_id, each.course_id),
            each.details["source"],
            each.details.get("reference") or 0,
        )
        first.setdefault(source, each)
    return first


def grant_told(entry: Any) -> Grant:
    """Return when and by whom a grant says that its source was given."""
    since = moment_told(entry.details.get("granted_at")) or entry.at
    return Grant(since, entry.details.get("granted_by", entry.actor_id))


_STANDS = attrgetter("stands")
_GIVEN = tuple(kind for kind in get_args(SourceKind) if kind not in RESTING)
"""The kinds of sources that somebody gave, and that rest on nothing else."""
_MOMENT = bindparam("until_moment", type_=UtcDateTime)
_ENTRY = bindparam("until_entry", type_=Integer)


@cache
def _standing() -> Select[*tuple[Any, ...]]:
    return grants(of_pairs(AuditEntry, PAIRS))


def _stands(grant: Any, *, past: bool = False) -> ColumnElement[bool]:
    given = and_(
        *(grant.action == GRANTED, *_told(grant, past)),
        *(~_ended(grant, past=past), ~_is_withdrawn(grant, past=past)),
    )
    if past:
        return given
    pair = (grant.student_id, grant.course_id)
    basis = is_in_force(pair, _kind(grant), _reference(grant), carries=_gives_access)
    return and_(given, or_(_kind(grant).in_(_GIVEN), basis))


def _told(entry: Any, past: bool) -> tuple[ColumnElement[bool], ...]:
    return within(entry) if past else ()


def _ended(grant: Any, *, past: bool = False) -> ColumnElement[bool]:
    end = aliased(AuditEntry)
    return is_followed(grant, ENDED, end, *_told(end, past))


def _is_withdrawn(grant: Any, *, past: bool = False) -> ColumnElement[bool]:
    withdrawn = aliased(AuditEntry)
    return is_followed(
        *(grant, WITHDRAWN, withdrawn, *_told(withdrawn, past)),
        _kind(withdrawn) == _kind(grant),
        _reference(withdrawn) == _reference(grant),
    )


def _gives_access(payment: type[Payment]) -> ColumnElement[bool]:
    return and_(normalized(payment.status).in_(GIVING_ACCESS), payment.access_ended_at.is_(None))


def _kind(entry: Any) -> ColumnElement[str]:
    return entry.details["source"].as_string()  # type: ignore[no-any-return]


def _reference(entry: Any) -> ColumnElement[int]:
    return func.coalesce(entry.details["reference"].as_integer(), 0)


@cache
def _acts() -> Select[*tuple[Any, ...]]:
    """Select what the trail says of learning: completions taken back, certificates issued."""
    entry = AuditEntry
    return (
        select(entry.id, entry.student_id, entry.course_id, entry.action, entry.at, entry.details)
        .where(
            of_pairs(entry, PAIRS),
            or_(entry.action == REOPENED, entry.action == RESET, entry.action == CERTIFIED),
        )
        .order_by(entry.id)
    )


@cache
def _last_completions() -> Select[*tuple[Any, ...]]:
    wanted = as_table(PAIRS, **PAIR)
    student, course = wanted.c.student_id, wanted.c.course_id
    return select(student, course, last_completion(student, course).label("at"))


def _summed_up(told: list[Any], acts: list[Any], completed_at: datetime | None) -> Standing:
    entered = _entered(told)
    active = [moment_told(entered.details.get("last_activity_at")), completed_at]
    since = [act for act in acts if act.id > entered.id]
    active += [act.at for act in since if act.action == "chapter.reopened"]
    # No doing of the student's, but it takes away what would say when they were last active.
    resets = [act for act in since if act.action == "progress.reset"]
    active += [moment_told(act.details.get("last_activity_at")) for act in resets]
    certified = [
        moment_told(act.details.get("completed_at"))
        for act in acts
        if act.action == "certificate.issued"
    ]
    return Standing(
        enrolled_at=begun(told),
        last_activity_at=max(filter(None, active), default=None),
        completed_at=max(filter(None, [*certified, completed_at]), default=None),
        grants={source: grant_told(first) for source, first in first_grants(told).items()},
    )


def _entered(told: Sequence[Any]) -> Any:
    return next((each for each in told if each.details.get("enrolled")), told[0])
