"""What the database enforces: checking that it is complete, and restoring it.

A dump restored in parts may lack constraints, indexes and triggers without a word, and the rows
that they would have refused may be there. Sync repairs the rows; then `restore` finds room.
"""

from lms.schema.counters import counted_tables, last_ids, set_last_id
from lms.schema.required import TRIGGERS, SchemaIncomplete, check, missing
from lms.schema.restoring import RowsInTheWay, restore, restore_ids
from lms.schema.sqlite import UnknownColumns
from lms.schema.triggers import restore_triggers, take_triggers

__all__ = [
    "TRIGGERS",
    "RowsInTheWay",
    "SchemaIncomplete",
    "UnknownColumns",
    "check",
    "counted_tables",
    "last_ids",
    "missing",
    "restore",
    "restore_ids",
    "restore_triggers",
    "set_last_id",
    "take_triggers",
]
