"""Who is in which course: arithmetic on ids, so that every statement finds the same pairs.

Course 1 is everybody's. The others have a place from 0 on, and a kind that follows from it. Student
number s is in course 1 and in nine others, `step` places apart: those at s, s + step, ...
"""

from dataclasses import dataclass

PER_STUDENT = 10
CHAPTERS = 4
ADMINS = 5
"""Their ids are 1 to 5; student number s has the id 5 + s."""
VISIBLE = 50
"""The places that students see, at any size: an old school has more past courses than others, not a
longer catalogue."""
DIRECT, PAID, REQUESTED, ADMITTED = range(4)
"""How students get into the course at a place: what is left of it, divided by 4."""
PRICE = 4900


@dataclass(frozen=True)
class Size:
    """How big a school is, from the number of its enrollments."""

    enrollments: int

    @property
    def students(self) -> int:
        return self.enrollments // PER_STUDENT

    @property
    def step(self) -> int:
        """Places between two courses of a student."""
        return 7 if self.enrollments < 100_000 else 55

    @property
    def places(self) -> int:
        """How many courses there are beside the one that is everybody's."""
        return (PER_STUDENT - 1) * self.step

    def first_place(self, number: int) -> int:
        """Return the place of a student's first course after the one that is everybody's."""
        return number % self.places

    def is_enrolled(self, number: int, place: int) -> bool:
        """Return whether a student is in the course at a place."""
        return (place - number) % self.step == 0


def student_id(number: int) -> int:
    """Return the id of the student with this number, which counts from 1."""
    return ADMINS + number


def course_id(place: int) -> int:
    """Return the id of the course at a place."""
    return place + 2
