"""SQLite plans by figures that a migration has written, the same in every school."""

import flask_migrate
import pytest
from flask import Flask

from lms.migrations.statistics import ROWS
from tests.conftest import Sql

SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
_WRITTEN = [(table, *row) for table, rows in ROWS.items() for row in rows.items()]


@SQLITE
def test_every_school_is_planned_for_alike(app: Flask, sql: Sql) -> None:
    found = sql("SELECT tbl, idx, stat FROM sqlite_stat1")
    assert sorted(map(tuple, found)) == sorted(_WRITTEN)


@SQLITE
@pytest.mark.parametrize(("table", "index", "figures"), _WRITTEN)
def test_figures_are_of_an_index_as_it_is(
    table: str, index: str, figures: str, app: Flask, sql: Sql
) -> None:
    key = [row.name for row in sql(f"PRAGMA table_xinfo({table})") if row.pk]
    columns = [row.name for row in sql(f"PRAGMA index_info({index})")] or key
    rows, *alike = map(int, figures.split())
    assert index == table or index in [row.name for row in sql(f"PRAGMA index_list({table})")]
    assert len(alike) == len(columns)
    assert sorted(alike, reverse=True) == alike, "each further column tells more rows apart"
    assert rows >= alike[0]


@SQLITE
def test_a_trigger_that_was_lost_comes_back_by_the_upgrade(app: Flask, sql: Sql) -> None:
    name = "enrollments_respect_capacity_insert"
    with app.app_context():
        flask_migrate.downgrade(revision="0054")
        sql(f"DROP TRIGGER {name}")
        flask_migrate.upgrade()
    assert sql(f"SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = '{name}'")
