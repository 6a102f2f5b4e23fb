"""SQLite's columns take anything: what PostgreSQL refuses by type, triggers refuse there."""

import pytest
from sqlalchemy import Boolean
from sqlalchemy.exc import IntegrityError

from lms.db import Base
from lms.models.columns import numbers
from tests.conftest import Sql
from tests.databases import Sqlite

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def server(sqlite: Sqlite) -> Sqlite:
    """The engine whose columns take anything."""
    return sqlite


@pytest.mark.parametrize("value", ["50.5", "'abc'", "x'07'", "7"])
def test_what_is_no_number_and_no_truth_is_refused_in_every_column(sql: Sql, value: str) -> None:
    taken = []
    for table in Base.metadata.sorted_tables:
        for column in numbers(table):
            if value == "7" and not isinstance(column.type, Boolean):
                continue  # a number of theirs
            others = [each.name for each in table.columns if each.name not in {"id", column.name}]
            same = ", ".join(others)
            for change in (
                f"UPDATE {table.name} SET {column.name} = {value}",
                f"INSERT INTO {table.name} ({column.name}, {same})"
                f" SELECT {value}, {same} FROM {table.name}",
            ):
                try:
                    sql(change)
                    taken.append(change)
                except IntegrityError as error:
                    if not any(
                        word in str(error.orig)
                        for word in ("wrong type", "kept for", "datatype mismatch")
                    ):
                        taken.append(f"{change}: {error.orig}")
    assert taken == []


def test_a_number_that_is_spelled_as_a_text_or_a_fraction_is_a_number(sql: Sql) -> None:
    sql("UPDATE courses SET capacity = '7', price_cents = 900.0, is_public = '1' WHERE id = 1")
    [row] = sql("SELECT capacity, price_cents, is_public FROM courses WHERE id = 1")
    assert list(row) == [7, 900, 1]
    assert [type(value) for value in row] == [int, int, int]
