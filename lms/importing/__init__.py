"""What comes from elsewhere: an old school's database, and rosters of people and courses."""

from lms.importing.legacy import (
    Answers,
    BadAnswer,
    ImportReport,
    NoOldSchool,
    Reason,
    UnclearSchool,
    answers,
    import_legacy,
)
from lms.importing.roster import NoRoster, RosterReport, import_roster

__all__ = [
    "Answers",
    "BadAnswer",
    "ImportReport",
    "NoOldSchool",
    "NoRoster",
    "Reason",
    "RosterReport",
    "UnclearSchool",
    "answers",
    "import_legacy",
    "import_roster",
]
