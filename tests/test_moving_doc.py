"""What docs/moving.md says to type is what the commands take."""

import re
from pathlib import Path
from shlex import split

import click
import pytest
from flask import Flask

from lms.cli.importing import legacy
from lms.cli.migrations import migrations
from lms.cli.rosters import roster
from lms.importing import answers

TEXT = (Path(__file__).parents[1] / "docs" / "moving.md").read_text()
COMMANDS = [line for line in TEXT.splitlines() if line.startswith(".venv/bin/flask import ")]
OTHERS = [
    line
    for line in TEXT.splitlines()
    if line.startswith(".venv/bin/flask ") and line not in COMMANDS
]
ANSWERS = re.findall(r"`--(prices|timezone|map) ([^`]+)`", TEXT)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_can_be_typed(line: str, app: Flask) -> None:
    _, _, name, *arguments = split(line)
    command: click.Command = {"legacy": legacy, "roster": roster}[name]
    read = command.make_context(name, list(arguments)).params
    assert read["apply"] is ("--apply" in arguments)


@pytest.mark.parametrize("line", OTHERS)
def test_every_other_command_can_be_typed(line: str, app: Flask) -> None:
    known: dict[str, click.Command] = {**app.cli.commands, "db": migrations}
    _, name, *arguments = split(line)
    command = known[name]
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    command.make_context(name, arguments)


@pytest.mark.parametrize(("option", "value"), ANSWERS)
def test_every_answer_is_one(option: str, value: str) -> None:
    name = {"map": "maps"}.get(option, option)
    assert answers(**{name: [value]}) != answers()


def test_it_names_what_the_preview_begins_with() -> None:
    legacy = Path(__file__).parents[1] / "lms" / "importing" / "legacy"
    source = (legacy / "telling.py").read_text()
    headings = re.findall(r"^\| ([A-Z][^|]+?) \|", TEXT.partition("## A list")[0], re.MULTILINE)[:5]
    assert all(heading in source for heading in headings), headings
