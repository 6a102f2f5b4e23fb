"""INSERT with ON CONFLICT on both databases: the way to write without check-then-insert."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms.db import Base


def insert(session: Session, model: type[Base] | Table) -> sqlite.Insert | Any:
    """Return the INSERT of the session's dialect, which knows ON CONFLICT."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(model)
    return postgresql.insert(model)
