"""Rosters that admins send in the browser: previewed, confirmed, and applied like the command's.

What was given stands in the database for a day (`content`), with its preview (`preview`) and how
far it is (`life`). A short one is read and applied at once, a long one by whichever worker takes it
up first (`turns`, `work`).
"""

from lms.importing.uploads.content import MOST_BYTES, MOST_LINES
from lms.importing.uploads.life import (
    PreviewOutdated,
    UploadApplied,
    UploadGone,
    UploadUnderWay,
    begin,
    cancel,
)
from lms.importing.uploads.shown import Shown, Waiting, shown, waiting
from lms.importing.uploads.work import confirm, is_work_due, work_when_due

__all__ = [
    "MOST_BYTES",
    "MOST_LINES",
    "PreviewOutdated",
    "Shown",
    "UploadApplied",
    "UploadGone",
    "UploadUnderWay",
    "Waiting",
    "begin",
    "cancel",
    "confirm",
    "is_work_due",
    "shown",
    "waiting",
    "work_when_due",
]
