"""`flask export person`: a file for one's own eyes, and never over another."""

import stat
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from flask import Flask

from tests import builders


def test_it_writes_a_file_that_only_its_owner_reads(app: Flask, sql: Any, tmp_path: Path) -> None:
    with app.app_context():
        builders.a_student("Ada", email="ada@example.org")
    file = tmp_path / "ada.zip"
    result = app.test_cli_runner().invoke(args=["export", "person", " Ada@example.org", str(file)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ZipFile(file).testzip() is None
    assert sql("SELECT actor_id FROM audit_entries WHERE action = 'user.exported'") == [(None,)]


def test_it_leaves_a_file_that_is_there(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        builders.a_student("Ada", email="ada@example.org")
    file = tmp_path / "ada.zip"
    file.write_text("precious")
    result = app.test_cli_runner().invoke(args=["export", "person", "ada@example.org", str(file)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "already exists" in result.stderr
    assert file.read_text() == "precious"


def test_it_leaves_no_half_of_a_file(app: Flask, sql: Any, tmp_path: Path) -> None:
    with app.app_context():
        builders.a_student("Ada", email="ada@example.org")
    sql("DROP TABLE notices")
    file = tmp_path / "ada.zip"
    result = app.test_cli_runner().invoke(args=["export", "person", "ada@example.org", str(file)])
    assert result.exit_code == 1
    assert "not up to date" in result.stderr
    assert not file.exists()


def test_nobody_has_no_file(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    result = app.test_cli_runner().invoke(args=["export", "person", "x@example.org", str(file)])
    assert result.exit_code == 1
    assert "flask users list" in result.stderr
    assert not file.exists()
    elsewhere = tmp_path / "missing" / "x.zip"
    with app.app_context():
        builders.a_student("Ada", email="ada@example.org")
    result = app.test_cli_runner().invoke(
        args=["export", "person", "ada@example.org", str(elsewhere)]
    )
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
