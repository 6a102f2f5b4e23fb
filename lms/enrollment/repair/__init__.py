"""Repairs of what constraints forbid and a restored dump brought in.

Each verb here is a bounded transaction that writes down what it changed, before and after, so that
a killed run leaves complete steps behind and every run can be undone. What is wrong, the checks in
`lms.queries.integrity` tell; `lms.sync` brings both together.
"""

from lms.enrollment.repair.rows import REPAIRS, repair_rows
from lms.enrollment.repair.runs import (
    SlotTaken,
    begin_run,
    close_dead_runs,
    dismiss_attention,
    finish_run,
    hold_back,
    log_dry_run,
    prove_writable,
)
from lms.enrollment.repair.undo import finish_undo, undo_changes
from lms.transaction import without_references

__all__ = [
    "REPAIRS",
    "SlotTaken",
    "begin_run",
    "close_dead_runs",
    "dismiss_attention",
    "finish_run",
    "finish_undo",
    "hold_back",
    "log_dry_run",
    "prove_writable",
    "repair_rows",
    "undo_changes",
    "without_references",
]
