"""A portal on each engine, and an old school on the other one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from flask import Flask

from lms.db import db
from lms.importing import ImportReport, answers, import_legacy
from lms.importing.legacy import report
from lms.sync import validate
from tests.databases import Postgresql
from tests.importing.old import Tables, adds_up, make
from tests.invariants import assert_invariants

Import = Callable[..., ImportReport]


@pytest.fixture
def old_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database on the other engine than the portal's."""
    if database_url.startswith("postgresql"):
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    postgresql: Postgresql = request.getfixturevalue("postgresql")
    with postgresql.empty() as url:
        yield url


@pytest.fixture
def bring_in(context: Flask, old_url: str, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Make an old school and import it soundly, with every row in the report."""
    monkeypatch.setattr(report, "SAMPLES", 1000)

    def run(
        tables: Tables, types: Mapping[str, str] | None = None, **said: Sequence[str]
    ) -> ImportReport:
        make(old_url, tables, types or {})
        return import_soundly(old_url, **said)

    return run


def import_soundly(url: str, **said: Sequence[str]) -> ImportReport:
    """Import an old school; fail unless the preview foretold the result and all of it is sound.

    Every row is accounted for, no rule is broken, and a second run creates nothing. What is `said`
    are the options of the command.
    """
    given = answers(**said)
    preview = import_legacy(url, apply=False, said=given)
    db.session.rollback()
    applied = import_legacy(url, apply=True, said=given)
    assert preview.tables == applied.tables
    assert adds_up(applied)
    assert_sound()
    before = counts()
    again = import_legacy(url, apply=True, said=given)
    assert adds_up(again)
    assert (again.created, again.repaired) == (0, 0)
    assert counts() == before
    return applied


def assert_sound() -> None:
    """Fail unless the school is without any violation."""
    found = {kind: number for kind, number in validate().counts.items() if number}
    assert not found, found
    assert_invariants(db.session())
    db.session.rollback()


def counts() -> dict[str, int]:
    """How many rows each table has."""
    found = {
        table.name: db.session.execute(db.select(db.func.count()).select_from(table)).scalar_one()
        for table in db.metadata.sorted_tables
        if table.name != "versions"
    }
    db.session.rollback()
    return found
