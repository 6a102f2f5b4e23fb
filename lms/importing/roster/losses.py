"""Who would lose what, and from which size on somebody has to say that it is meant."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.enrollment.batch import Entry
from lms.importing.present import parts
from lms.models import Course, Enrollment
from lms.queries.read_model import read_model

MOST_PEOPLE = 50
"""More than this many people lose access only if their number is allowed."""
FEWEST_OF_COURSE = 5
"""As many of a course, if they are more than a tenth of it, too."""


@read_model
class CourseLoss:
    """Who would lose a course."""

    course_id: int
    title: str
    enrolled: int
    """How many are enrolled before."""
    leaving: int
    emails: list[str]


def losses(session: Session, entries: Sequence[Entry]) -> list[CourseLoss]:
    """Return what the entries take away, most first; called before they take effect."""
    leaving: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.action == "unenroll":
            leaving[entry.course_id].append(entry.email)
    found = []
    for course_ids in parts(sorted(leaving)):
        enrolled = (
            select(func.count())
            .select_from(Enrollment)
            .where(Enrollment.course_id == Course.id)
            .scalar_subquery()
        )
        rows = session.execute(
            select(Course.id, Course.title, enrolled.label("enrolled")).where(
                Course.id.in_(course_ids)
            )
        )
        for row in rows:
            emails = leaving[row.id]
            loss = CourseLoss(
                course_id=row.id,
                title=row.title,
                enrolled=row.enrolled,
                leaving=len(emails),
                emails=emails,
            )
            found.append(loss)
    return sorted(found, key=lambda loss: (-loss.leaving, loss.course_id))


def to_be_allowed(found: Sequence[CourseLoss], *, is_empty: bool) -> int | None:
    """Return how many enrollments would end, if that has to be allowed; None if it has not.

    `is_empty`: the roster names nobody who is to be enrolled, but every course is to be as it says.
    """
    people = {email for loss in found for email in loss.emails}
    is_wide = (
        len(people) > MOST_PEOPLE
        or any(_is_large(loss) for loss in found)
        or (is_empty and bool(people))
    )
    return sum(loss.leaving for loss in found) if is_wide else None


def _is_large(loss: CourseLoss) -> bool:
    return loss.leaving >= FEWEST_OF_COURSE and loss.leaving * 10 > loss.enrolled
