"""Reads a roster, and sees what kind it is."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from lms.importing.roster.canvas import is_canvas, read_canvas
from lms.importing.roster.files import NoRoster, contents, unpacked
from lms.importing.roster.lines import Roster
from lms.importing.roster.moodle import is_moodle, read_moodle
from lms.importing.roster.oneroster import is_oneroster, read_oneroster
from lms.importing.roster.own import EXAMPLE, read_own
from lms.importing.roster.tables import Table, table

__all__ = ["NoRoster", "read", "read_content"]


def read(path: Path) -> Roster:
    """Return what a CSV, a folder or a zip says; raises NoRoster."""
    return _read(contents(path))


def read_content(name: str, content: bytes, *, most: int) -> Roster:
    """Return what a CSV or a zip says, which may unpack to `most` bytes; raises NoRoster."""
    return _read(unpacked(name, BytesIO(content), most=most))


def _read(files: Mapping[str, bytes]) -> Roster:
    tables = [found for name, each in files.items() if (found := table(name, each)) is not None]
    if not tables:
        raise NoRoster(f"The file is empty. The first line must name the columns: {EXAMPLE}")
    return _recognized(tables)


def _recognized(tables: list[Table]) -> Roster:
    by_name = {each.name.lower(): each for each in tables}
    if is_oneroster(by_name):
        return read_oneroster(by_name)
    if is_canvas(tables):
        return read_canvas(tables)
    if len(tables) == 1:
        return read_moodle(tables[0]) if is_moodle(tables[0]) else read_own(tables[0])
    named = ", ".join(each.name for each in tables[:5])
    raise NoRoster(
        f"There are several CSVs ({named}), but they are neither OneRoster nor Canvas SIS."
        " Choose one of them."
    )
