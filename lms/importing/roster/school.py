"""What the portal knows of the people and courses that a roster names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from lms.db import LARGEST_ID
from lms.enrollment.batch import Entry
from lms.importing.present import free_seats, pairs_present, parts
from lms.models import Course, Enrollment, Offer, Payment, User, holds_seat
from lms.models.payment_status import GIVING_ACCESS


@dataclass
class RosterCourse:
    """A course as the lines before have left it."""

    title: str
    free_seats: int | None
    is_open_to_all: bool


@dataclass
class School:
    """The people and courses of a roster, as the lines before have left them."""

    courses: dict[int, RosterCourse] = field(default_factory=dict)
    students: dict[str, int] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """Addresses of accounts that are no students'."""
    enrolled: set[tuple[str, int]] = field(default_factory=set)
    paid: set[tuple[str, int]] = field(default_factory=set)
    """Who has access, among others, by a payment."""
    offered: set[tuple[str, int]] = field(default_factory=set)
    """For whom a seat is held."""


def read_school(session: Session, entries: Sequence[Entry]) -> School:
    """Return what the portal knows before any line takes effect."""
    school = School()
    # A number beyond the column's is no course; PostgreSQL would not even compare it.
    ids = sorted({entry.course_id for entry in entries if entry.course_id <= LARGEST_ID})
    for course_ids in parts(ids):
        free = free_seats(session, course_ids)
        for course in session.scalars(select(Course).where(Course.id.in_(course_ids))):
            is_open_to_all = course.is_default_unlocked and course.is_visible
            known = RosterCourse(course.title, free.get(course.id), is_open_to_all)
            school.courses[course.id] = known
    for emails in parts(sorted({entry.email for entry in entries})):
        people = select(User.id, User.email, User.role).where(User.email.in_(emails))
        # An account whose address nobody has proven is none: opening one takes it over.
        for person in session.execute(people.where(User.is_proven)):
            if person.role == "student":
                school.students[person.email] = person.id
            else:
                school.others.add(person.email)
    pairs = {
        (school.students[entry.email], entry.course_id)
        for entry in entries
        if entry.email in school.students and entry.course_id in school.courses
    }
    email_of = {user_id: email for email, user_id in school.students.items()}
    for some in parts(sorted(pairs)):
        for among, student_id, *where in (
            (school.enrolled, Enrollment.user_id),
            (school.paid, Payment.user_id, Payment.status.in_(GIVING_ACCESS)),
            (school.offered, Offer.student_id, holds_seat()),
        ):
            present = pairs_present(session, student_id, student_id.class_.course_id, some, *where)
            among |= {(email_of[user_id], course_id) for user_id, course_id in present}
    return school
