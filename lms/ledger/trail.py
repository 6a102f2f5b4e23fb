"""What the audit trail says of access: what was granted and never ended, since when, and by whom.

It outlives the tables of access: where a restore has lost them, they are rebuilt by it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, get_args

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from lms.ledger.audit import moment_told
from lms.ledger.basis import RESTING, is_in_force
from lms.ledger.rows import PAIR, PAIRS, Pair, as_table, of_pairs
from lms.ledger.sources import Grant, Source
from lms.models import AuditEntry, Payment, SourceKind, last_completion
from lms.models.columns import constants, normalized
from lms.models.payment_status import GIVING_ACCESS
from lms.statements import run

GRANTED, WITHDRAWN, ENDED, REOPENED, CERTIFIED = constants(
    *("access.granted", "access.source_withdrawn", "access.ended"),
    *("chapter.reopened", "certificate.issued"),
)


class Standing(NamedTuple):
    """Access that was granted and never ended."""

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


_STANDS = attrgetter("stands")
_GIVEN = tuple(kind for kind in get_args(SourceKind) if kind not in RESTING)
"""The kinds of sources that somebody gave, and that rest on nothing else."""


@cache
def _standing() -> Select[*tuple[Any, ...]]:
    grant = AuditEntry
    return (
        select(
            *(grant.id, grant.at, grant.actor_id, grant.student_id, grant.course_id),
            *(grant.details, _stands(grant).label("stands")),
        )
        .where(of_pairs(grant, PAIRS), grant.action == GRANTED, ~_ended(grant))
        .order_by(grant.id)
    )


def _stands(grant: Any) -> ColumnElement[bool]:
    pair = (grant.student_id, grant.course_id)
    return and_(
        grant.action == GRANTED,
        ~_ended(grant),
        ~_is_withdrawn(grant),
        or_(
            _kind(grant).in_(_GIVEN),
            is_in_force(pair, _kind(grant), _reference(grant), carries=_gives_access),
        ),
    )


def _ended(grant: Any) -> ColumnElement[bool]:
    return is_followed(grant, ENDED)


def _is_withdrawn(grant: Any) -> ColumnElement[bool]:
    withdrawn = aliased(AuditEntry)
    return is_followed(
        *(grant, WITHDRAWN, withdrawn),
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
    """Select what the trail says of learning: chapters reopened, certificates issued."""
    entry = AuditEntry
    return (
        select(entry.id, entry.student_id, entry.course_id, entry.action, entry.at, entry.details)
        .where(of_pairs(entry, PAIRS), or_(entry.action == REOPENED, entry.action == CERTIFIED))
        .order_by(entry.id)
    )


@cache
def _last_completions() -> Select[*tuple[Any, ...]]:
    wanted = as_table(PAIRS, **PAIR)
    student, course = wanted.c.student_id, wanted.c.course_id
    return select(student, course, last_completion(student, course).label("at"))


def _summed_up(grants: list[Any], acts: list[Any], completed_at: datetime | None) -> Standing:
    entered = next((each for each in grants if each.details.get("enrolled")), grants[0])
    told = [moment_told(entered.details.get("last_activity_at")), completed_at]
    told += [act.at for act in acts if act.action == "chapter.reopened" and act.id > entered.id]
    certified = [
        moment_told(act.details.get("completed_at"))
        for act in acts
        if act.action == "certificate.issued"
    ]
    first: dict[Source, Grant] = {}
    for each in filter(_STANDS, grants):
        source = Source(
            *(each.student_id, each.course_id),
            each.details["source"],
            each.details.get("reference") or 0,
        )
        since = moment_told(each.details.get("granted_at")) or each.at
        first.setdefault(source, Grant(since, each.details.get("granted_by", each.actor_id)))
    return Standing(
        enrolled_at=moment_told(entered.details.get("enrolled_at")) or entered.at,
        last_activity_at=max(filter(None, told), default=None),
        completed_at=max(filter(None, [*certified, completed_at]), default=None),
        grants=first,
    )
