"""A preview as it is kept: the lines in the order in which they are read, and its mark."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from lms.importing.roster import DecidedLine, RosterReport

_AS_JSON: TypeAdapter[RosterReport] = TypeAdapter(RosterReport)
_ROWS: TypeAdapter[list[DecidedLine]] = TypeAdapter(list[DecidedLine])
_ORDER = ("refused", "unenroll", "create_and_enroll", "enroll", "nothing")
_LONGEST = 120
"""Of each word of a line: what is longer is cut, since it is no name, address or course."""


def kept(report: RosterReport) -> dict[str, Any]:
    """Return a report as JSON, first the lines that were refused."""
    rows = sorted(report.rows, key=lambda row: _ORDER.index(row.outcome))
    found: dict[str, Any] = _AS_JSON.dump_python(
        replace(report, rows=[_cut(row) for row in rows]), mode="json"
    )
    return found


def rows_of(report: Mapping[str, Any], first: int, number: int) -> list[DecidedLine]:
    """Return some of the lines."""
    return _ROWS.validate_python(report["rows"][first : first + number])


def summary_of(report: Mapping[str, Any]) -> RosterReport:
    """Return all but the lines."""
    return _AS_JSON.validate_python({**report, "rows": []})


def mark_of(report: RosterReport) -> str:
    """Return what differs where anything else would take effect, or other numbers are shown."""
    said = json.dumps([report.counts, report.effects])
    return hashlib.sha256(said.encode()).hexdigest()


def _cut(row: DecidedLine) -> DecidedLine:
    return replace(
        row,
        file=_short(row.file),
        email=_short(row.email),
        name=_short(row.name),
        course_id=_short(row.course_id),
        action=_short(row.action),
    )


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…"
