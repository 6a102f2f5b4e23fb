"""What the portal knows already of what an old school brings: SELECTs on the caller's session."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.orm import Session

from lms.importing.legacy.rules import chunks
from lms.importing.legacy.staging import batches, courses, users
from lms.models import (
    AccessRequest,
    AccessWaiver,
    AuditEntry,
    Chapter,
    ChapterCompletion,
    Course,
    Enrollment,
    ImportOrigin,
    ImportSchool,
    Payment,
    User,
)

Pair = tuple[int, int]


@dataclass(frozen=True)
class Portal:
    """The portal as one transaction sees it, and which of its old schools this is."""

    session: Session
    school_id: int | None

    def accounts(self, emails: Sequence[str]) -> dict[str, tuple[int, bool]]:
        """Return id, and whether it is an admin's, of the accounts with these addresses."""
        rows = self.session.execute(
            select(User.email, User.id, User.role).where(User.email.in_(emails))
        )
        return {row.email: (row.id, row.role == "admin") for row in rows}

    def origins(self, table: str, keys: Collection[str]) -> dict[str, int | None]:
        """Return what old rows of this school became at an earlier import."""
        if self.school_id is None:
            return {}
        rows = self.session.execute(
            select(ImportOrigin.key, ImportOrigin.row_id).where(
                ImportOrigin.school_id == self.school_id,
                ImportOrigin.table_name == table,
                ImportOrigin.key.in_(keys),
            )
        )
        return {row.key: row.row_id for row in rows}

    def present(self, model: type[Course | Chapter], ids: Iterable[int | None]) -> set[int]:
        """Return which of the ids are still there."""
        wanted = [found for found in ids if found is not None]
        return set(self.session.scalars(select(model.id).where(model.id.in_(wanted))))

    def enrolled(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return which students are in which courses."""
        return self._pairs(Enrollment.user_id, Enrollment.course_id, pairs)

    def ended(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return which students have lost access to which courses here, by whatever reason."""
        waived = self._pairs(AccessWaiver.user_id, AccessWaiver.course_id, pairs)
        students = {student for student, _ in pairs}
        told = self.session.execute(
            select(AuditEntry.student_id, AuditEntry.course_id).where(
                AuditEntry.action == "access.ended", AuditEntry.student_id.in_(students)
            )
        )
        asked = set(pairs)
        return waived | {pair for row in told if (pair := (row[0], row[1])) in asked}

    def waiting(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return who waits for which course."""
        return self._pairs(
            AccessRequest.student_id,
            AccessRequest.course_id,
            pairs,
            AccessRequest.status == "pending",
        )

    def completed(self, pairs: Collection[Pair]) -> set[Pair]:
        """Return which students have completed which chapters."""
        return self._pairs(ChapterCompletion.student_id, ChapterCompletion.chapter_id, pairs)

    def has_completions(self, course_ids: Collection[int]) -> set[int]:
        """Return the courses in which anybody has completed anything."""
        return set(
            self.session.scalars(
                select(Chapter.course_id)
                .join(ChapterCompletion, ChapterCompletion.chapter_id == Chapter.id)
                .where(Chapter.course_id.in_(course_ids))
                .distinct()
            )
        )

    def free_seats(self, course_ids: Collection[int]) -> dict[int, int]:
        """Return how many seats the courses have left that limit them."""
        taken = (
            select(func.count())
            .where(Enrollment.course_id == Course.id)
            .correlate(Course)
            .scalar_subquery()
        )
        rows = self.session.execute(
            select(Course.id, Course.capacity, taken.label("taken")).where(
                Course.id.in_(course_ids), Course.capacity.is_not(None)
            )
        )
        return {row.id: max(row.capacity - row.taken, 0) for row in rows}

    def stripe_ids(self, column: Any, values: Collection[str]) -> set[str]:
        """Return which of Stripe's ids payments here have already."""
        return set(self.session.scalars(select(column).where(column.in_(values))))

    def _pairs(self, student: Any, other: Any, pairs: Collection[Pair], *where: Any) -> set[Pair]:
        rows = self.session.execute(
            select(student, other).where(tuple_(student, other).in_(list(pairs)), *where)
        )
        return {(row[0], row[1]) for row in rows}


def pair_key(pair: Pair) -> str:
    """Return what a pair of ids here is remembered by."""
    return f"{pair[0]}/{pair[1]}"


STRIPE_COLUMNS = {
    "stripe_session_id": Payment.stripe_session_id,
    "stripe_payment_intent_id": Payment.stripe_payment_intent_id,
}


def recognise(session: Session, scratch: Connection, address: str) -> int | None:
    """Return which old school this is, if it was imported before.

    Most of the people, and most of the courses, must be the same under the same old ids: an address
    alone proves nothing, since files are replaced and moved.
    """
    same_users = _same(session, scratch, "users")
    same_courses = _same(session, scratch, "courses")
    known = {
        (row.school_id, row.table_name): row.number
        for row in session.execute(
            select(ImportOrigin.school_id, ImportOrigin.table_name, func.count().label("number"))
            .where(ImportOrigin.table_name.in_(("users", "courses")))
            .group_by(ImportOrigin.school_id, ImportOrigin.table_name)
        )
    }
    staged = {
        table.name: scratch.scalar(select(func.count()).where(table.c.row == table.c.winner)) or 0
        for table in (users, courses)
    }
    schools = session.execute(select(ImportSchool.id, ImportSchool.address)).all()
    for school in sorted(schools, key=lambda each: (each.address != address, each.id)):
        scores = [
            (same.get(school.id, 0), min(known.get((school.id, name), 0), staged[name]))
            for name, same in (("users", same_users), ("courses", same_courses))
        ]
        compared = [(same, of) for same, of in scores if of]
        if (
            compared
            and all(2 * same >= of for same, of in compared)
            and any(2 * same > of for same, of in compared)
        ):
            return int(school.id)
    return None


def _same(session: Session, scratch: Connection, name: str) -> dict[int, int]:
    """Count for each known school the rows that have the same key and label there."""
    table = {"users": users, "courses": courses}[name]
    counts: dict[int, int] = {}
    for rows in batches(scratch, table, table.c.row == table.c.winner):
        for part in chunks(rows):
            wanted = {row.origin: origin_label(name, row) for row in part}
            found = session.execute(
                select(ImportOrigin.school_id, ImportOrigin.key, ImportOrigin.label).where(
                    ImportOrigin.table_name == name, ImportOrigin.key.in_(wanted)
                )
            )
            for row in found:
                if wanted[row.key] == row.label:
                    counts[row.school_id] = counts.get(row.school_id, 0) + 1
    return counts


def origin_label(name: str, row: Any) -> str:
    """Return what tells this school from another that has the same keys."""
    return (row.key or "") if name == "users" else str(row.title)
