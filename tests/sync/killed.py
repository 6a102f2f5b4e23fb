"""Runs that end in the middle; tests run them in a process of its own."""

import os
from importlib import import_module
from typing import Any

from sqlalchemy import event

from lms import create_app, sync
from lms.db import db
from tests.databases import settings

ENDED = 9
"""Their exit code."""


def validate(url: str, last: int) -> None:
    """Validate a school and end this process after so many statements."""
    with create_app(settings(url)).app_context():
        _end_after(last)
        sync.validate_anew()


def repair(url: str, last: int) -> None:
    """Repair a school in small steps and end this process after so many statements of the run."""
    auto_fix: Any = import_module("lms.sync.auto_fix")
    auto_fix.STEP = 5
    begin_run = auto_fix.runs.begin_run

    def begin(*given: Any, **named: Any) -> Any:
        run_id = begin_run(*given, **named)
        _end_after(last)
        return run_id

    auto_fix.runs.begin_run = begin
    with create_app(settings(url)).app_context():
        sync.auto_fix(by=None)


def _end_after(last: int) -> None:
    statements = 0

    def end(*_: Any) -> None:
        nonlocal statements
        statements += 1
        if statements == last:
            os._exit(ENDED)

    event.listen(db.engine, "after_cursor_execute", end)
