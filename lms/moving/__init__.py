"""A whole school as it is, from one place to another: copies, backups, exports and their returns.

All go one way: the rows of one moment are written into an empty database, ids and all, and both
are read and compared before it counts. A backup is a school in a SQLite file, an export one in a
folder of JSON Lines.
"""

from lms.moving import contents
from lms.moving.backup import Backup, BadBackup, back_up, opened
from lms.moving.copying import CopyReport, copy
from lms.moving.database import Database, UnreadableRows
from lms.moving.folder import BadExport, Folder, export
from lms.moving.latest import last_backup, note_backup
from lms.moving.places import NotEmpty, emptied

__all__ = [
    "Backup",
    "BadBackup",
    "BadExport",
    "CopyReport",
    "Database",
    "Folder",
    "NotEmpty",
    "UnreadableRows",
    "back_up",
    "contents",
    "copy",
    "emptied",
    "export",
    "last_backup",
    "note_backup",
    "opened",
]
