"""What repairs announce to students: only enrollments that they should have had."""

from collections import defaultdict

from sqlalchemy import String, cast, literal, select
from sqlalchemy.orm import Session

from lms.ledger.changes import Change
from lms.ledger.rows import PAIRS, Pair, of_pairs
from lms.messages.catalogue import RepairUndone
from lms.messages.notices import announce, announce_all
from lms.models import Course, Enrollment, SyncChange
from lms.sync.kind import Kind
from lms.sync.kinds import KINDS

_ENROLLED = select(Enrollment.user_id, literal("enrolled-") + cast(Enrollment.id, String)).where(
    of_pairs(Enrollment, PAIRS)
)


def announce_repair(session: Session, kind: Kind, changes: list[Change]) -> None:
    """Notify the students whom the repair has enrolled."""
    if kind.message is None:
        return
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for change in changes:
        if _enrolls(change.table, change.before) and change.pair is not None:
            pairs[change.pair[1]].append(change.pair)
    for course in session.scalars(select(Course).where(Course.id.in_(pairs))).all():
        message = kind.message(course.id, course.title)
        announce_all(session, message, _ENROLLED, pairs=pairs[course.id])


def announce_undo(session: Session, changes: list[SyncChange]) -> None:
    """Notify the students whose announced enrollment the undo has ended."""
    for change in changes:
        row, kind = change.after or {}, KINDS.get(change.kind)
        is_announced = kind and (kind.message or kind.announces_itself)
        if is_announced and _enrolls(change.table_name, change.before):
            course = session.get_one(Course, row["course_id"])
            undone = RepairUndone(course.id, course.title)
            announce(session, undone, row["user_id"], key=f"undone-{change.id}")


def _enrolls(table: str, before: object) -> bool:
    return table == Enrollment.__tablename__ and before is None
