"""What the database enforces: checking that it is complete, and restoring it.

A dump restored in parts may lack constraints, indexes and triggers without a word, and the rows
that they would have refused may be there. Sync repairs the rows; then `put_back` finds room.
"""

from lms.schema.put_back import RowsInTheWay, put_back, put_back_ids
from lms.schema.required import TRIGGERS, SchemaIncomplete, check, missing
from lms.schema.sqlite import UnknownColumns

__all__ = [
    "TRIGGERS",
    "RowsInTheWay",
    "SchemaIncomplete",
    "UnknownColumns",
    "check",
    "missing",
    "put_back",
    "put_back_ids",
]
