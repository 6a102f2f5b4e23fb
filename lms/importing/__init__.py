"""What comes from elsewhere: an old school's database, and rosters of people and courses."""

from lms.importing.legacy import (
    Answers,
    BadAnswer,
    ImportReport,
    NoOldSchool,
    Occasion,
    Question,
    Reason,
    UnclearSchool,
    answers,
    import_legacy,
    telling,
)
from lms.importing.roster import (
    CourseLoss,
    DecidedLine,
    NoRoster,
    RosterReport,
    import_roster,
)

__all__ = [
    "Answers",
    "BadAnswer",
    "CourseLoss",
    "DecidedLine",
    "ImportReport",
    "NoOldSchool",
    "NoRoster",
    "Occasion",
    "Question",
    "Reason",
    "RosterReport",
    "UnclearSchool",
    "answers",
    "import_legacy",
    "import_roster",
    "telling",
]
