"""What a kind of violation is made of, and what its repair is given to work with."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, delete
from sqlalchemy.orm import Session

from lms.db import Base
from lms.ledger.access import Past, let_in
from lms.ledger.certificates import TOLD_OF_PAIRS, bring_back
from lms.ledger.changes import table_of
from lms.ledger.progress import rebuild_progress
from lms.ledger.rewriting import delete_rows, rewrite_rows
from lms.ledger.rows import Pair, of_pairs
from lms.ledger.seats import newcomers
from lms.ledger.sources import Source
from lms.ledger.trail import Standing, standing
from lms.messages.catalogue import StudentMessage
from lms.models import (
    AccessRequest,
    AccessSource,
    Enrollment,
    Offer,
    StudentProgress,
    SyncAttention,
)
from lms.sync.conditions import requested
from lms.sync.finding import Scope, key_of, within

PAIR_TABLES = (Enrollment, StudentProgress, AccessSource, AccessRequest, Offer)
"""What may change where a student's access to a course does."""


class Phase(IntEnum):
    """When a kind is repaired: it may rely on all that the phases above its own have put right.

    Within a phase, kinds of one file are repaired as they stand there; those of different files
    must not rely on each other.
    """

    VALUES = auto()
    """Statuses, times and numbers can be read."""
    REFERENCES = auto()
    """Rows refer only to what exists."""
    DUPLICATES = auto()
    """There is one enrollment, one progress row and one completion of each."""
    PAIRS = auto()
    """Enrollments and progress rows come in pairs."""
    DECISIONS = auto()
    """Decided requests have taken effect and left the queue."""
    PAYMENTS = auto()
    """Payments say what Stripe says, and give access or have ended it."""
    ACCESS = auto()
    """Enrollments and their sources require each other."""
    REQUESTS = auto()
    """One pending request per student and course, and only while not enrolled."""
    REQUEST_STATUSES = auto()
    """Requests say 'pending'; a second one of the same student would be refused."""
    PROGRESS = auto()
    """Progress is the share of chapters completed."""
    CERTIFICATES = auto()
    """Each completed course has its certificate."""
    SEATS = auto()
    """Courses have no more students than seats."""
    BOOKS = auto()
    """The books have what payments say."""
    COUNTS = auto()
    """Sums are those of the rows as they are now."""


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
    """Some wrong rows of one kind, locked by this transaction."""

    session: Session
    run_id: int
    kind: str
    label: str
    model: type[Base]
    found: list[Found]
    by: int | None

    @property
    def reason(self) -> str:
        """What the audit trail gives as the reason of all that comes of it."""
        return f"Repaired: {self.label}"

    @property
    def details(self) -> dict[str, Any]:
        """What the audit trail says of the repair."""
        return {"kind": self.kind, "table": self.model.__tablename__, "run": self.run_id}

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

    def enroll(self, sources: Iterable[Source], *, of: Iterable[Pair] = ()) -> set[Pair]:
        """Enroll by these sources while seats last, and return who of them is enrolled now.

        The trail adds the other sources of these pairs, and those `of` others, with their dates.
        """
        sources = list(sources)
        pairs = {*of, *(source.pair for source in sources)}
        known = standing(self.session, pairs)
        sources += [source for access in known.values() for source in access.grants]
        # Else those who have completed the course get new ones.
        bring_back(self.session, TOLD_OF_PAIRS, pairs=pairs)
        let_in(
            *(self.session, sources),
            by=self.by,
            reason=self.reason,
            past={pair: self._past(known.get(pair)) for pair in pairs},
            while_seats_last=True,
        )
        enrolled = self.enrolled(pairs)
        rebuild_progress(self.session, enrolled)
        # Requests whose status is spelled otherwise, too; and the trigger may be missing.
        theirs = of_pairs(AccessRequest, enrolled)
        self.run(delete(AccessRequest).where(theirs, requested() == "pending"))
        return enrolled

    def _past(self, known: Standing | None) -> Past:
        if known is None:
            return Past(details=self.details)
        return Past(
            *(known.enrolled_at, known.last_activity_at, self.details),
            completed_at=known.completed_at,
            grants=known.grants,
        )

    def enrolled(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return which of these are enrolled."""
        return set(pairs) - newcomers(self.session, pairs).keys()

    def run(self, statement: Any) -> Any:
        """Execute a change; nothing loaded in this session needs to follow it."""
        return self.session.execute(statement, execution_options={"synchronize_session": False})

    def delete_rows(self) -> None:
        """Delete the rows themselves."""
        delete_rows(self.session, table_of(self.model), key_of(self.model).in_(self.ids))

    def rewrite(self, chosen: ColumnElement[bool], **values: Any) -> None:
        """Give the chosen rows of the model's table these values."""
        rewrite_rows(self.session, table_of(self.model), chosen, values)

    def needs_attention(self, row: Found, reason: str) -> None:
        """List a row for an admin's attention."""
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
class Check:
    """The wrong rows of one table, and how they are put right."""

    model: type[Base]
    find: Callable[[], Select[Any]]
    """Returns the wrong rows of the whole school, as `finding.find` begins."""
    fix: Callable[[Step], None] | None = None
    """None where each row needs attention."""
    also: tuple[type[Base], ...] = ()
    """Tables of which the fix may change rows of the same students and courses."""
    referring: tuple[Column[Any], ...] = ()
    """References to the wrong rows whose own rows the fix may change."""
    phase: Phase | None = None
    """When this table's turn is not that of the kind."""
    is_derived: bool = False
    """Whether the rows only sum up others, so that an undo has nothing to bring back."""

    def select(self, scope: Scope) -> Select[Any]:
        """Return the wrong rows in scope."""
        return _scoped(self.find, scope.shape).params(scope.values)


@dataclass(frozen=True)
class Kind:
    """One kind of violation: what it is called, what is wrong, and how it is repaired."""

    name: str
    label: str
    """The plural that people read."""
    repair: str
    """What auto-fix does, as a sentence for people."""
    phase: Phase
    checks: tuple[Check, ...]
    lock: Callable[[Session], None] = lambda _: None
    """Takes what verbs lock before course and student, where the fix calls such verbs."""
    message: type[StudentMessage] | None = None
    """What the repair announces to the students it enrolls."""
    announces_itself: bool = False
    """Whether the fix tells students what it changes, as verbs do."""


@cache
def _scoped(find: Callable[[], Select[Any]], shape: Scope) -> Select[Any]:
    return within(find(), shape)
