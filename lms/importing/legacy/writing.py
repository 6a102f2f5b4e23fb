"""Puts what was decided into the portal, bit by bit, within the caller's one transaction."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, exists, insert, or_, select, union_all, update
from sqlalchemy.orm import Session

from lms.db import now
from lms.enrollment import intake
from lms.importing.legacy.portal import pair_key
from lms.importing.legacy.rules import put
from lms.importing.legacy.staging import (
    access_requests,
    batches,
    chapter_completions,
    chapters,
    courses,
    derived,
    enrollments,
    pairs,
    payments,
    student_progress,
    target_of,
    users,
)
from lms.models import ImportOrigin, ImportSchool
from lms.models.payment_status import GIVING_ACCESS, RETURNED
from lms.upsert import insert_many

Step = Callable[[int], None]
_ORIGINS = ImportOrigin.metadata.tables[ImportOrigin.__tablename__]


class Writer:
    """One import at work."""

    def __init__(
        self, session: Session, scratch: Connection, school_id: int | None, step: Step
    ) -> None:
        self._session, self._scratch, self._step = session, scratch, step
        self._school_id = school_id
        self._moment = now()

    def write(self, address: str) -> None:
        """Bring in all that was not refused or merged."""
        if self._school_id is None:
            self._school_id = self._session.scalar(
                insert(ImportSchool).returning(ImportSchool.id),
                {"address": address[:500], "created_at": self._moment},
            )
        self._people()
        self._courses()
        self._chapters()
        self._completions()
        self._locate()
        self._pairs()
        self._payments()
        self._requests()
        intake.grant_default_courses(self._session)
        intake.follow(self._session, self._courses_that_moved())

    def _people(self) -> None:
        for rows in self._new(users):
            ids = intake.add_people(
                self._session,
                [
                    _of(row, "email", "name", "password_hash", "role", "is_active", "created_at")
                    for row in rows
                ],
            )
            self._settle(users, rows, ids)
            self._remember(
                "users",
                [(row.origin, row.key or "", each) for row, each in zip(rows, ids, strict=True)],
            )
        # Who was here already is remembered too: once deleted here, an import brings nobody back.
        merged = (users.c.verdict == "merged", users.c.row == users.c.winner)
        for rows in batches(self._scratch, users, *merged):
            self._remember("users", [(row.origin, row.key or "", row.target) for row in rows])

    def _courses(self) -> None:
        names = (
            "title",
            "description",
            "status",
            "is_public",
            "is_default_unlocked",
            "price_cents",
            "currency",
            "capacity",
            "created_at",
        )
        for rows in self._new(courses):
            ids = intake.add_courses(self._session, [_of(row, *names) for row in rows])
            self._settle(courses, rows, ids)
            self._remember(
                "courses",
                [(row.origin, row.title, each) for row, each in zip(rows, ids, strict=True)],
            )

    def _chapters(self) -> None:
        located = (target_of(courses, chapters.c.course_row).label("course_id"),)
        for rows in self._new(chapters, also=located):
            ids = intake.add_chapters(
                self._session,
                [
                    {**_of(row, "course_id", "title", "body"), "position": row.ordinal}
                    for row in rows
                ],
            )
            self._settle(chapters, rows, ids)
            self._remember("chapters", _origins(rows, ids))

    def _completions(self) -> None:
        for table in (chapter_completions, derived):
            where = (table.c.verdict.is_(None),) if "verdict" in table.c else ()
            located = (
                target_of(users, table.c.user_row).label("student_id"),
                target_of(chapters, table.c.chapter_row).label("chapter_id"),
            )
            for rows in batches(self._scratch, table, *where, also=located):
                intake.add_completions(
                    self._session,
                    [
                        {
                            **_of(row, "student_id", "chapter_id"),
                            "completed_at": row.completed_at or self._moment,
                        }
                        for row in rows
                    ],
                )
                if table is chapter_completions:  # what is derived comes with its enrollment alone
                    self._remember(
                        table.name,
                        [(pair_key((row.student_id, row.chapter_id)), "", None) for row in rows],
                    )
                self._step(len(rows))

    def _locate(self) -> None:
        self._scratch.execute(
            update(pairs).values(
                user_id=target_of(users, pairs.c.user_row),
                course_id=target_of(courses, pairs.c.course_row),
            )
        )

    def _pairs(self) -> None:
        paid = exists().where(*_paid_for(pairs.c.user_row, pairs.c.course_row))
        also = (*_figures(pairs), paid.label("is_bought"), *_names(pairs))
        for rows in batches(self._scratch, pairs, pairs.c.verdict.is_(None), also=also):
            intake.admit(
                self._session,
                [
                    {
                        **_of(row, "user_id", "course_id", "last_activity_at"),
                        "enrolled_at": row.enrolled_at or self._moment,
                    }
                    for row in rows
                ],
            )
            # What was bought is had by its payment alone: a refund ends it.
            others = [row for row in rows if not row.is_bought]
            intake.add_sources(
                self._session,
                [
                    {**_pair(row), "kind": "import", "reference": 0, "details": _old_figures(row)}
                    for row in others
                ],
            )
            self._remember(
                "enrollments", [(pair_key((row.user_id, row.course_id)), "", None) for row in rows]
            )
            self._step(len(rows))

    def _payments(self) -> None:
        mine = (
            pairs.c.user_row == payments.c.user_row,
            pairs.c.course_row == payments.c.course_row,
        )
        is_new = exists().where(*mine, pairs.c.verdict.is_(None))
        also = (
            *_names(payments),
            select(users.c.email)
            .where(users.c.row == payments.c.user_row)
            .scalar_subquery()
            .label("user_email"),
            target_of(users, payments.c.user_row).label("user_id"),
            target_of(courses, payments.c.course_row).label("course_id"),
            is_new.label("is_new"),
            *(
                select(figure.element)
                .select_from(pairs)
                .where(*mine)
                .scalar_subquery()
                .label(figure.name)
                for figure in _figures(pairs)
            ),
        )
        for rows in self._new(payments, also=also):
            ids = intake.add_payments(self._session, [self._payment(row) for row in rows])
            self._remember("payments", _origins(rows, ids))
            intake.add_sources(
                self._session,
                [
                    {
                        **_pair(row),
                        "kind": "payment",
                        "reference": payment_id,
                        "details": _old_figures(row) if row.is_new else {},
                    }
                    for row, payment_id in zip(rows, ids, strict=True)
                    if row.status in GIVING_ACCESS
                ],
            )

    def _payment(self, row: Any) -> dict[str, Any]:
        created_at = row.created_at or self._moment
        has_come = row.status in {*GIVING_ACCESS, *RETURNED, "disputed"}
        return {
            **_of(
                row,
                "user_id",
                "course_id",
                "amount_cents",
                "currency",
                "status",
                "refunded_cents",
                "stripe_session_id",
                "stripe_payment_intent_id",
                "attention",
            ),
            "user_email": row.user_email or f"unknown, old account {row.user_key or ''}".rstrip(),
            "course_title": row.course_title
            or f"unknown, old course {row.course_key or ''}".rstrip(),
            "created_at": created_at,
            "paid_at": row.paid_at or (created_at if has_come else None),
        }

    def _requests(self) -> None:
        table = access_requests
        also = (
            *_names(table),
            select(users.c.email)
            .where(users.c.row == table.c.user_row)
            .scalar_subquery()
            .label("student_email"),
            target_of(users, table.c.user_row).label("student_id"),
            target_of(courses, table.c.course_row).label("course_id"),
            exists()
            .where(
                pairs.c.user_row == table.c.user_row,
                pairs.c.course_row == table.c.course_row,
                or_(pairs.c.verdict.is_(None), pairs.c.is_in_already),
            )
            .label("is_in"),
        )
        for rows in self._new(table, also=also):
            told = [self._request(row) for row in rows]
            waiting = [row for row in told if row["status"] == "pending"]
            decided = [row for row in told if row["status"] != "pending"]
            if waiting:
                intake.add_requests(self._session, waiting)
            if decided:
                ids = intake.add_decisions(self._session, decided)
                intake.add_sources(
                    self._session,
                    [
                        {
                            "user_id": row["student_id"],
                            "student_name": row["student_name"],
                            "course_id": row["course_id"],
                            "course_title": row["course_title"],
                            "kind": "approval",
                            "reference": decision_id,
                            "details": {},
                        }
                        for row, decision_id in zip(decided, ids, strict=True)
                        if row["status"] == "approved" and row["is_in"]
                    ],
                )
            self._remember("access_requests", [(row.origin, "", None) for row in rows])

    def _request(self, row: Any) -> dict[str, Any]:
        created_at = row.created_at or self._moment
        return {
            **_of(
                row,
                "student_id",
                "student_name",
                "student_email",
                "course_id",
                "course_title",
                "status",
                "message",
                "is_in",
            ),
            "created_at": created_at,
            "decided_at": row.decided_at or created_at,
        }

    def _new(self, table: Table, also: Any = ()) -> Iterator[list[Any]]:
        """Read what comes in, and count it."""
        for rows in batches(self._scratch, table, table.c.verdict.is_(None), also=also):
            yield rows
            self._step(len(rows))

    def _settle(self, table: Table, rows: list[Any], ids: list[int]) -> None:
        put(
            self._scratch,
            table,
            [{"row": row.row, "target": each} for row, each in zip(rows, ids, strict=True)],
        )

    def _remember(self, table: str, origins: list[tuple[str, str, int | None]]) -> None:
        insert_many(
            self._session,
            _ORIGINS,
            [
                {
                    "school_id": self._school_id,
                    "table_name": table,
                    "key": key,
                    "label": label[:255],
                    "row_id": row_id,
                }
                for key, label, row_id in origins
            ],
        )

    def _courses_that_moved(self) -> set[int]:
        """Return the courses that have new students, chapters or completions."""
        completed = chapters.c.row == chapter_completions.c.chapter_row
        moved = union_all(
            select(pairs.c.course_row).where(pairs.c.verdict.is_(None)),
            select(chapters.c.course_row).where(chapters.c.verdict.is_(None)),
            select(chapters.c.course_row).where(
                exists().where(completed, chapter_completions.c.verdict.is_(None))
            ),
        )
        return set(self._scratch.scalars(select(courses.c.target).where(courses.c.row.in_(moved))))


def _names(table: Any) -> tuple[Any, ...]:
    return (
        select(users.c.name)
        .where(users.c.row == table.c.user_row)
        .scalar_subquery()
        .label("student_name"),
        select(courses.c.title)
        .where(courses.c.row == table.c.course_row)
        .scalar_subquery()
        .label("course_title"),
    )


def _figures(pair: Any) -> tuple[Any, ...]:
    """Return what the old school said of a pair's progress, in its own words."""
    return (
        pair.c.share.label("progress"),
        select(enrollments.c.told)
        .where(enrollments.c.row == pair.c.enrollment_row)
        .scalar_subquery()
        .label("old_progress"),
        select(student_progress.c.told)
        .where(student_progress.c.row == pair.c.progress_row)
        .scalar_subquery()
        .label("old_total_progress"),
    )


def _old_figures(row: Any) -> dict[str, Any]:
    figures = _of(row, "progress", "old_progress", "old_total_progress")
    return {"enrolled": True} | {
        name: value for name, value in figures.items() if value is not None
    }


def _paid_for(user_row: Any, course_row: Any) -> tuple[Any, ...]:
    return (
        payments.c.user_row == user_row,
        payments.c.course_row == course_row,
        payments.c.verdict.is_(None),
        payments.c.status.in_(GIVING_ACCESS),
    )


def _pair(row: Any) -> dict[str, Any]:
    return _of(row, "user_id", "course_id", "student_name", "course_title")


def _origins(rows: list[Any], ids: list[int]) -> list[tuple[str, str, int | None]]:
    return [(row.origin, "", each) for row, each in zip(rows, ids, strict=True)]


def _of(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
