"""What the repairs share: the rows found, and what a repair may touch."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute, Session

from lms.db import Base
from lms.enrollment.repair.changes import Pair
from lms.models import SyncAttention


@dataclass(frozen=True)
class Found:
    """One wrong row."""

    row_id: int
    student_id: int | None
    course_id: int | None
    expected: str
    actual: str


@dataclass(frozen=True)
class Step:
    """Some wrong rows of one kind, held by this transaction."""

    session: Session
    kind: str
    model: type[Base]
    found: list[Found]
    by: int | None

    @cached_property
    def ids(self) -> list[int]:
        """The rows' own ids."""
        return [row.row_id for row in self.found]

    @cached_property
    def pairs(self) -> list[Pair]:
        """The students and courses concerned."""
        pairs = {
            (row.student_id, row.course_id): None
            for row in self.found
            if row.student_id is not None and row.course_id is not None
        }
        return sorted(pairs)

    def by_expected(self) -> dict[str, list[int]]:
        """Return the rows' ids by what they should say."""
        ids = defaultdict(list)
        for row in self.found:
            ids[row.expected].append(row.row_id)
        return ids

    def run(self, statement: Any) -> Any:
        """Execute a change; nothing loaded in this session needs to follow it."""
        return self.session.execute(statement, execution_options={"synchronize_session": False})

    def ask(self, row: Found, reason: str) -> None:
        """Put a row on the list of what a person should look at."""
        self.session.add(
            SyncAttention(
                kind=self.kind,
                table_name=self.model.__tablename__,
                row_id=row.row_id,
                student_id=row.student_id,
                course_id=row.course_id or 0,
                reason=reason,
            )
        )


@dataclass(frozen=True)
class Repair:
    """How one kind is put right, and which further tables that may change."""

    apply: Callable[[Step], None]
    also: tuple[type[Base], ...] = ()
    """Tables of which the rows of the same pairs may change."""
    by_column: tuple[tuple[type[Base], InstrumentedAttribute[Any]], ...] = ()
    """Tables of which the rows that refer to the wrong rows may change."""
    first: Callable[[Session], None] = lambda _: None
    """Takes what verbs lock before course and student, where this repair calls such verbs."""
    tells: bool = False
    """Whether it writes what came of it to the trail by itself, as verbs do."""
