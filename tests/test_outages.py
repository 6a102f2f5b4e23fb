"""Which errors of a database are no fault of ours: for the others there is a 500, and a trace."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from lms import outages


def _error(url: str, *statements: str) -> DBAPIError:
    """Return what one of the statements raises, or connecting does."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    except DBAPIError as error:
        return error
    finally:
        engine.dispose()
    raise AssertionError("nothing was refused")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE names (name TEXT UNIQUE)"))
    engine.dispose()
    return path


def test_a_file_that_can_only_be_read_is_read_only(file: Path) -> None:
    error = _error(f"sqlite:///file:{file}?mode=ro&uri=true", "INSERT INTO names VALUES ('a')")
    assert outages.is_read_only(error)
    assert not outages.is_failing(error)
    assert not outages.has_no_room(error)


def test_a_file_that_is_out_of_reach_is_failing(tmp_path: Path) -> None:
    error = _error(f"sqlite:///{tmp_path / 'gone' / 'some.db'}", "SELECT 1")
    assert outages.is_failing(error)
    assert not outages.is_read_only(error)


def test_a_file_without_room_is_full(file: Path) -> None:
    error = _error(
        f"sqlite:///{file}",
        "PRAGMA max_page_count = 3",
        "INSERT INTO names VALUES (hex(randomblob(99999)))",
    )
    assert outages.has_no_room(error)
    assert not outages.is_read_only(error)
    assert not outages.is_failing(error)


def test_what_a_constraint_refuses_is_no_outage(file: Path) -> None:
    error = _error(
        f"sqlite:///{file}", "INSERT INTO names VALUES ('a')", "INSERT INTO names VALUES ('a')"
    )
    assert not outages.is_read_only(error)
    assert not outages.is_failing(error)
    assert not outages.has_no_room(error)
    assert not outages.is_transient(error)
