"""What comes from elsewhere: an old school's database, and rosters of people and courses."""

from lms.importing.legacy import ImportReport, NoOldSchool, import_legacy

__all__ = ["ImportReport", "NoOldSchool", "import_legacy"]
