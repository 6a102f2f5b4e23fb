"""Statements that are built once and run with each call's values.

Building one costs five times as much as running it. Functions that are cached build those of the
verbs; whatever differs from call to call is a parameter, which no column may be named like.
"""

from typing import Any

from sqlalchemy import CursorResult, Executable, Integer, String, bindparam
from sqlalchemy.orm import Session

from lms.db import UtcDateTime, guard_change

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
