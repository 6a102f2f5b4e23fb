"""Imports of old schools that an admin begins in the browser, and a worker carries out.

What was given lies in a private file of one machine (`files`); all else stands in `import_runs`
(`life`). The worker of that machine reads and imports (`work`), and pages show how far it is
(`current`). One is open at a time, for a day at most.
"""

from lms.importing.runs.current import Current, current
from lms.importing.runs.files import NoDatabaseFile, folder
from lms.importing.runs.life import (
    ImportOpen,
    ImportOver,
    ImportUnderWay,
    PreviewOutdated,
    answer,
    begin_with_address,
    begin_with_file,
    cancel,
    confirm,
)
from lms.importing.runs.reach import OutOfReach
from lms.importing.runs.work import is_work_due, work_when_due

__all__ = [
    "Current",
    "ImportOpen",
    "ImportOver",
    "ImportUnderWay",
    "NoDatabaseFile",
    "OutOfReach",
    "PreviewOutdated",
    "answer",
    "begin_with_address",
    "begin_with_file",
    "cancel",
    "confirm",
    "current",
    "folder",
    "is_work_due",
    "work_when_due",
]
