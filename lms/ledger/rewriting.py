"""Rows of any table as a repair or an undo wants them: for what no constraint would have let in.

What access and progress are is in `access` and `progress`; these functions know rows alone.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, update
from sqlalchemy.orm import Session

_UNFOLLOWED = {"synchronize_session": False}
"""Nothing loaded in the session needs to follow these changes."""


def delete_rows(session: Session, table: Table, chosen: ColumnElement[bool]) -> None:
    """Delete the chosen rows."""
    session.execute(delete(table).where(chosen), execution_options=_UNFOLLOWED)


def rewrite_rows(
    session: Session, table: Table, chosen: ColumnElement[bool], values: Mapping[str, Any]
) -> None:
    """Give the chosen rows these values."""
    session.execute(update(table).where(chosen).values(dict(values)), execution_options=_UNFOLLOWED)


def insert_row(session: Session, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row with these values, its id among them."""
    session.execute(insert(table).values(dict(values)))
