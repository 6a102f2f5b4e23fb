"""The audit trail: everything that happened, the latest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Select, select

from lms.models import AuditEntry, User
from lms.queries.distinct import distinct_values
from lms.queries.paging import PAGE_SIZE, SHAPES
from lms.queries.read_model import columns, execute, read, read_model, stream
from lms.queries.search import matches


@read_model
class Entry:
    """One change, with the names of all concerned as they were then."""

    id: int
    at: datetime
    action: str
    actor_id: int | None
    actor_name: str
    actor_role: str | None
    """The role that the account has now; None where there is no account any more."""
    student_id: int | None
    student_name: str
    course_id: int | None
    course_title: str
    reason: str
    details: dict[str, Any] = field(hash=False)

    @property
    def account(self) -> str:
        """Which account acted, since names are not unique; blank for the portal itself."""
        if self.actor_id is None:
            return ""
        return f"{self.actor_role or 'deleted account'} {self.actor_id}"


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries are looked for; `until` is the first moment that is too late."""

    q: str = ""
    student_id: int | None = None
    course_id: int | None = None
    action: str = ""
    actor_id: int | None = None
    by_portal: bool = False
    since: datetime | None = None
    until: datetime | None = None


def entries(
    wanted: AuditFilter, *, before: int | None = None, limit: int = PAGE_SIZE
) -> tuple[list[Entry], int | None]:
    """Return a page of entries, and the id to ask `before` for the next one, if there is one.

    Pages go by id, not by number: the trail only grows, and deep pages cost what the first does.
    """
    found_more = read(Entry, _page(wanted, before, limit + 1))
    page = found_more[:limit]
    return page, page[-1].id if len(found_more) > limit else None


def every_entry(wanted: AuditFilter) -> Iterator[Entry]:
    """Yield all entries that are looked for, the latest first."""
    return stream(Entry, _filtered(wanted))


def of_student(student_id: int, limit: int = PAGE_SIZE) -> list[Entry]:
    """Return the latest that happened to a student."""
    return entries(AuditFilter(student_id=student_id), limit=limit)[0]


def actions() -> list[str]:
    """Return the actions that occur."""
    return list(execute(_actions()).scalars())


@cache
def _actions() -> Select[Any]:
    return distinct_values(AuditEntry.action)


@lru_cache(SHAPES)
def _page(wanted: AuditFilter, before: int | None, most: int) -> Select[Any]:
    found = _filtered(wanted).limit(most)
    return found if before is None else found.where(AuditEntry.id < before)


@lru_cache(SHAPES)
def _filtered(wanted: AuditFilter) -> Select[Any]:
    equal = (
        (AuditEntry.student_id, wanted.student_id),
        (AuditEntry.course_id, wanted.course_id),
        (AuditEntry.action, wanted.action),
        (AuditEntry.actor_id, wanted.actor_id),
    )
    role = select(User.role).where(User.id == AuditEntry.actor_id).scalar_subquery()
    found = select(*columns(Entry, AuditEntry, actor_role=role))
    found = found.where(*(column == value for column, value in equal if value))
    if wanted.q:
        found = found.where(matches(wanted.q, AuditEntry.student_name, AuditEntry.course_title))
    if wanted.by_portal:
        found = found.where(AuditEntry.actor_id.is_(None))
    if wanted.since is not None:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(AuditEntry.at < wanted.until)
    return found.order_by(AuditEntry.id.desc())
