"""The last validation of the whole school, repeated only as often as a worker can afford."""

import time
from dataclasses import dataclass

from flask import current_app

from lms.config import AUTO_FIX_SECONDS
from lms.db import db
from lms.live import version
from lms.sync.validation import Report, validate

_SHARE = 20
"""Validation takes at most one part in so many of a worker's time, however often it is asked."""


@dataclass(frozen=True)
class _Validation:
    report: Report
    repairs: int
    seconds: float
    ended_at: float


def last_validation() -> Report:
    """Return the latest report; it is repeated when it is due, and after every repair or undo.

    A repair may run in another process, so the version that it raises in the database tells of it.
    """
    last: _Validation | None = current_app.extensions.get("last_validation")
    if last is not None and last.repairs == _repairs() and not _is_due(last):
        return last.report
    return validate_again()


def validate_again() -> Report:
    """Check the whole school now, and keep the report for later callers."""
    repairs = _repairs()  # before the data: a repair in between makes the next call look again
    began = time.monotonic()
    report = validate()
    ended = time.monotonic()
    current_app.extensions["last_validation"] = _Validation(report, repairs, ended - began, ended)
    return report


def _repairs() -> int:
    return version(db.session(), ["sync"])


def _is_due(last: _Validation) -> bool:
    interval = current_app.config["LMS_AUTO_FIX_SECONDS"] or AUTO_FIX_SECONDS
    return time.monotonic() - last.ended_at > min(interval, _SHARE * last.seconds)
