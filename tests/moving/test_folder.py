"""What is taken out as JSON Lines comes in again as the same school, or not at all."""

import json
import stat
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from lms import moving
from lms.db import db
from lms.sync import validate
from tests import databases
from tests.builders import a_student
from tests.moving.test_copying import portal


def _exported(folder: Path) -> moving.CopyReport:
    with db.engine.connect() as source:
        return moving.export(source, folder)


def _imported(folder: Path, address: str) -> moving.CopyReport:
    url = address.replace("postgresql://", "postgresql+psycopg://")
    exported = moving.Folder(folder)
    with moving.emptied(url) as target:
        return moving.copy(exported, target)


def test_an_export_is_imported_to_the_digest(
    demo_school: Flask, elsewhere: str, tmp_path: Path
) -> None:
    folder = tmp_path / "school"
    report = _exported(folder)
    assert _imported(folder, elsewhere).digests == report.digests
    with portal(elsewhere):
        assert validate().ok
        assert _exported(tmp_path / "again").digests == report.digests
    schema = json.loads((folder / "schema.json").read_text())
    for name, rows in report.tables.items():
        lines = (folder / f"{name}.jsonl").read_text().splitlines()
        assert len(lines) == rows
        check = jsonschema_rs.Draft202012Validator(schema | {"$ref": f"#/$defs/{name}"})
        for line in lines[:50]:
            check.validate(json.loads(line))


@pytest.mark.usefixtures("context")
def test_it_is_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    folder = tmp_path / "school"
    _exported(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}
    with pytest.raises(FileExistsError):
        _exported(folder)


def _another_name(folder: Path) -> None:
    file = folder / "users.jsonl"
    file.write_text(file.read_text().replace("Ada", "Eve"))


def _one_less(folder: Path) -> None:
    (folder / "users.jsonl").write_text("")


def _no_json(folder: Path) -> None:
    (folder / "users.jsonl").write_text("Dear diary\n")


def _interrupted(folder: Path) -> None:
    (folder / "school.json").unlink()


def _older(folder: Path) -> None:
    about = json.loads((folder / "school.json").read_text())
    (folder / "school.json").write_text(json.dumps(about | {"columns": "other"}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_another_name, "users.jsonl was changed after it was exported. Nothing was imported."),
        (_one_less, "users.jsonl was changed after it was exported"),
        (_no_json, "users.jsonl was changed after it was exported"),
        (_interrupted, "isn't a complete export"),
        (_older, "was exported by another release"),
    ],
)
@pytest.mark.usefixtures("context")
def test_what_is_no_longer_the_export_is_not_imported(
    change: Any, said: str, elsewhere: str, tmp_path: Path
) -> None:
    a_student("Ada", email="ada@example.org")
    folder = tmp_path / "school"
    _exported(folder)
    change(folder)
    with pytest.raises(moving.BadExport, match=said):
        _imported(folder, elsewhere)
    if change is not _interrupted and change is not _older:
        _exported(tmp_path / "whole")
        assert _imported(tmp_path / "whole", elsewhere).tables["users"] == 1


def test_the_commands_say_what_they_did(app: Flask, tmp_path: Path, elsewhere: str) -> None:
    with app.app_context():
        a_student("Ada", email="ada@example.org")
    folder = tmp_path / "school"
    made = app.test_cli_runner().invoke(args=["export", "school", str(folder)])
    assert made.exit_code == 0, made.output
    assert f"`flask import school {folder}`" in made.output
    refused = app.test_cli_runner().invoke(args=["import", "school", str(folder)])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    other = databases.portal(elsewhere)
    read = other.test_cli_runner().invoke(args=["import", "school", str(folder)])
    assert read.exit_code == 0, read.output
    assert "they match the export" in read.output
    with other.app_context():
        db.engine.dispose()
