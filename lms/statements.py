"""Statements that are built once and run with each call's values.

Building one costs several times as much as running it. Functions that are cached build those of the
verbs; whatever differs from call to call is a parameter, which no column may be named like.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, CursorResult, Executable, Integer, String, bindparam
from sqlalchemy.orm import Session

from lms.db import Base, UtcDateTime, guard_change

STUDENT = bindparam("student", type_=Integer)
COURSE = bindparam("course", type_=Integer)
BY = bindparam("by", type_=Integer)
"""Who acts; None is the portal itself."""
WHY = bindparam("why", type_=String)
MOMENT = bindparam("moment", type_=UtcDateTime)


def run(session: Session, statement: Executable, **values: Any) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement in the session's transaction; what the session has loaded stays as it was."""
    if statement.is_dml:
        guard_change(session)
    return session.connection().execute(statement, values)


def new_values(model: type[Base], *names: str) -> dict[str, BindParameter[Any]]:
    """Return parameters for these columns of a row that is inserted by a SELECT."""
    columns = model.__table__.c
    return {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}


def as_new(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of those parameters."""
    return {f"new_{name}": value for name, value in values.items()}
