"""What is in the files of courses goes along: into backups and exports, and back."""

from pathlib import Path

import pytest
from flask import Flask

from lms.db import db
from lms.files import store
from tests import databases
from tests.builders import a_course, a_file


@pytest.fixture
def digests(app: Flask) -> set[str]:
    """What is in two files of which one has two names."""
    with app.app_context():
        course_id = a_course()
        a_file(course_id, "one.png", b"one")
        a_file(course_id, "same.png", b"one")
        a_file(course_id, "two.png", b"two")
        return store.digests()


@pytest.mark.parametrize("ways", ["backup, restore", "export school, import school"])
def test_contents_leave_and_return_with_their_rows(
    app: Flask,
    digests: set[str],
    elsewhere: str,
    tmp_path: Path,
    ways: str,
) -> None:
    out, back = (way.split() for way in ways.split(", "))
    place = str(tmp_path / "school")
    made = app.test_cli_runner().invoke(args=[*out, place])
    assert (made.exit_code, "missing" in made.output) == (0, False), made.output
    other = databases.portal(elsewhere)
    returned = other.test_cli_runner().invoke(args=[*back, place])
    assert (returned.exit_code, "missing" in returned.output) == (0, False), returned.output
    assert "violation" not in returned.output
    with other.app_context():
        assert store.digests() == digests
        assert {store.place(each).read_bytes() for each in digests} == {b"one", b"two"}
        db.engine.dispose()


def test_a_backup_s_check_reads_every_content(
    app: Flask, digests: set[str], tmp_path: Path
) -> None:
    file = tmp_path / "school.backup"
    runner = app.test_cli_runner()
    assert "Keep both together" in runner.invoke(args=["backup", str(file)]).output
    checked = runner.invoke(args=["backup", "--check", str(file)])
    assert (checked.exit_code, "2 contents of files" in checked.output) == (0, True), checked.output
    assert "violation" not in checked.output
    copied = store.place(max(digests), tmp_path / "school.backup.files")
    copied.write_bytes(b"damaged")
    damaged = runner.invoke(args=["backup", "--check", str(file)])
    assert (damaged.exit_code, "is damaged" in damaged.output) == (1, True)
    copied.unlink()
    damaged = runner.invoke(args=["backup", "--check", str(file)])
    assert (damaged.exit_code, "is missing" in damaged.output) == (1, True)


def test_a_backup_says_what_was_missing_already(
    app: Flask, digests: set[str], tmp_path: Path
) -> None:
    with app.app_context():
        store.place(max(digests)).unlink()
    made = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "school.backup")])
    assert (made.exit_code, "What is in 1 file is missing" in made.output) == (0, True), (
        made.output,
        made.exception,
    )
