"""The audit entries of a repair, in the words of the verbs where it did what a verb does."""

from typing import Any

from sqlalchemy import insert, select

from lms.ledger.changes import Change, Pair
from lms.models import AuditEntry, Course, User
from lms.sync.kind import Step


def record_repair(step: Step, run_id: int, changes: list[Change]) -> None:
    """Write down each row repaired, and each change of access or decision that came of it."""
    entries = [
        _entry("sync.repaired", row.student_id, row.course_id, row=row.row_id, actual=row.actual)
        | {"expected": row.expected}
        for row in step.found
    ]
    for entry in entries:
        entry["details"]["expected"] = entry.pop("expected")
    for change in changes:
        entries += _consequences(change, changes)
    if not entries:
        return
    names = _names(step, {entry["student_id"] for entry in entries}, User.id, User.name)
    titles = _names(step, {entry["course_id"] for entry in entries}, Course.id, Course.title)
    actor = _names(step, {step.by}, User.id, User.name).get(step.by, "")
    for entry in entries:
        entry["student_name"] = names.get(entry["student_id"], "")
        entry["course_title"] = titles.get(entry["course_id"], "")
        entry["actor_id"], entry["actor_name"] = step.by, actor
        entry["reason"] = f"Repaired: {step.kind}"
        entry["details"] |= {"kind": step.kind, "table": step.model.__tablename__, "run": run_id}
    step.session.execute(insert(AuditEntry), entries)


def _consequences(change: Change, changes: list[Change]) -> list[dict[str, Any]]:
    student_id, course_id = change.pair or (None, None)
    row = change.row
    if change.table == "access_sources" and change.before is None:
        entry = _entry(
            "access.granted",
            student_id,
            course_id,
            source=row["kind"],
            reference=row["reference"],
            enrolled=_is_new(change.pair, changes),
        )
        return [entry]
    if change.table == "decisions" and change.before is None:
        action = f"request.{row['status']}"
        return [_entry(action, student_id, course_id, request_id=row["request_id"])]
    if change.table == "enrollments" and change.after is None:
        sources = [
            other.row["kind"]
            for other in changes
            if other.table == "access_sources" and other.pair == change.pair
        ]
        return [_entry("access.ended", student_id, course_id, sources=sources)]
    return []


def _is_new(pair: Pair | None, changes: list[Change]) -> bool:
    return any(
        change.table == "enrollments" and change.before is None and change.pair == pair
        for change in changes
    )


def _entry(
    action: str, student_id: int | None, course_id: int | None, **details: Any
) -> dict[str, Any]:
    return {
        "action": action,
        "student_id": student_id,
        "course_id": course_id,
        "details": details,
    }


def _names(step: Step, ids: set[Any], key: Any, name: Any) -> dict[Any, str]:
    known = [value for value in ids if value is not None]
    return {row[0]: row[1] for row in step.session.execute(select(key, name).where(key.in_(known)))}
