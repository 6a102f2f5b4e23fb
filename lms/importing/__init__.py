"""What comes from elsewhere: an old school's database, and rosters of people and courses."""

from lms.importing.legacy import ImportReport, NoOldSchool, import_legacy
from lms.importing.roster import NoRoster, RosterReport, import_roster

__all__ = [
    "ImportReport",
    "NoOldSchool",
    "NoRoster",
    "RosterReport",
    "import_legacy",
    "import_roster",
]
