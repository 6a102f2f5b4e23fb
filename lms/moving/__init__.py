"""A whole school as it is, from one database to another: copies, backups, restores.

All go one way: the rows of one moment are written into an empty database, ids and all, and both
are read and compared before it counts. A backup is a school in a SQLite file.
"""

from lms.moving.backup import Backup, BadBackup, back_up, opened
from lms.moving.copying import CopyReport, copy
from lms.moving.places import NotEmpty, emptied
from lms.moving.rows import UnreadableRows

__all__ = [
    "Backup",
    "BadBackup",
    "CopyReport",
    "NotEmpty",
    "UnreadableRows",
    "back_up",
    "copy",
    "emptied",
    "opened",
]
