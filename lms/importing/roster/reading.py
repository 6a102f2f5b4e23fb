"""Reads a roster, and sees what kind it is."""

from pathlib import Path

from lms.importing.roster.files import NoRoster, contents
from lms.importing.roster.lines import Roster
from lms.importing.roster.own import EXAMPLE, read_own
from lms.importing.roster.tables import Table, table

__all__ = ["NoRoster", "read"]


def read(path: Path) -> Roster:
    """Return what a CSV, a folder or a zip says; raises NoRoster."""
    files = contents(path)
    tables = [found for name, each in files.items() if (found := table(name, each)) is not None]
    if not tables:
        raise NoRoster(f"The file is empty. The first line must name the columns: {EXAMPLE}")
    return _recognized(tables)


def _recognized(tables: list[Table]) -> Roster:
    if len(tables) == 1:
        return read_own(tables[0])
    named = ", ".join(each.name for each in tables[:5])
    raise NoRoster(f"There are several CSVs ({named}), and no system's that is known.")
