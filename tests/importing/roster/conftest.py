"""Rosters: one CSV, or the files of another system in a folder or a zip."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask

from lms.importing import RosterReport, import_roster

Roster = Callable[..., RosterReport]
HEADER = "email,name,course_id,action"
LINK = "https://portal.example.org/invitation/{}/{}"


@pytest.fixture
def roster(context: Flask, tmp_path: Path) -> Roster:
    """Write a roster and import it; lines are joined, bytes are written as they are."""

    def run(
        *lines: str, apply: bool = True, content: bytes | None = None, allow: int | None = None
    ) -> RosterReport:
        path = tmp_path / "roster.csv"
        path.write_bytes("\n".join(lines).encode() if content is None else content)
        return import_roster(path, apply=apply, allow_unenroll=allow, invite=LINK.format)

    return run


@pytest.fixture
def system(context: Flask, tmp_path: Path) -> Roster:
    """Write the files of another system into a folder, or a zip, and import them."""

    def run(
        files: Mapping[str, str],
        *,
        apply: bool = True,
        allow: int | None = None,
        zipped: bool = False,
    ) -> RosterReport:
        path = written(tmp_path, files, zipped=zipped)
        return import_roster(path, apply=apply, allow_unenroll=allow, invite=LINK.format)

    return run


def written(folder: Path, files: Mapping[str, str], *, zipped: bool = False) -> Path:
    """Write files into a new folder, or a zip, and return its path."""
    path = folder / f"sis-{len(list(folder.iterdir()))}"
    if zipped:
        path = path.with_suffix(".zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    path.mkdir()
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def outcomes(report: RosterReport) -> list[tuple[str, str]]:
    """Return each line's address and what becomes of it."""
    return [(row.email, row.detail) for row in report.rows]
