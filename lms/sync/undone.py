"""What an undo did to access, for the audit trail: else it would say that access goes on."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from lms.ledger.access import record_withdrawn
from lms.ledger.audit import Entry, record_all
from lms.ledger.changes import Row, pair_of
from lms.ledger.rows import Pair
from lms.ledger.sources import Source
from lms.models import AccessSource, Enrollment, SourceKind

_REASON = "A repair or roster was undone"
Rows = Mapping[Any, Row]
"""Rows by table and key, as they were and as they are."""


def record_access(session: Session, before: Rows, after: Rows, *, by: int | None) -> None:
    """Write down which access came and went with the rows of students and courses."""
    had, has = _sources(before), _sources(after)
    was, is_now = _enrolled(before), _enrolled(after)
    ended = was.keys() - is_now.keys()
    withdrawn = [
        Source(*pair, kind, reference)
        for pair in sorted(had.keys() - ended)
        for kind, reference in sorted(had[pair].keys() - has[pair].keys())
    ]
    record_withdrawn(session, withdrawn, by=by, reason=_REASON)
    ends: list[Entry] = [(*pair, {"sources": _kinds(had[pair])}) for pair in sorted(ended)]
    record_all(session, "access.ended", ends, by=by, reason=_REASON)
    granted: list[Entry] = []
    for pair in sorted(is_now):
        details: dict[str, Any] = {}
        if pair not in was:
            details = {"enrolled": True, "enrolled_at": str(is_now[pair]["enrolled_at"])}
        for kind, reference in sorted(has[pair].keys() - had[pair].keys()):
            row = has[pair][kind, reference]
            since = {"granted_at": str(row["granted_at"]), "granted_by": row["granted_by"]}
            source = {"source": kind, "reference": reference, "enrolled": False, **since}
            granted.append((*pair, source | details))
            details = {}
    record_all(session, "access.granted", granted, by=by, reason=_REASON)


def _sources(rows: Rows) -> dict[Pair, dict[tuple[SourceKind, int], Row]]:
    found: dict[Pair, dict[tuple[SourceKind, int], Row]] = defaultdict(dict)
    for (table, *_), row in rows.items():
        if table == AccessSource.__tablename__ and (pair := pair_of(row)):
            found[pair][row["kind"], row["reference"]] = row
    return found


def _enrolled(rows: Rows) -> dict[Pair, Row]:
    return {
        pair: row
        for (table, *_), row in rows.items()
        if table == Enrollment.__tablename__ and (pair := pair_of(row))
    }


def _kinds(sources: Mapping[tuple[SourceKind, int], Row]) -> list[str]:
    return [kind for kind, _ in sorted(sources)]
