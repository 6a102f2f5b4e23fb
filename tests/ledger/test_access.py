"""What the ledger promises to verbs and repairs alike."""

import pytest
from sqlalchemy.orm import Session

from lms.ledger.access import let_in_while_seats_last
from lms.ledger.rows import Pair
from lms.ledger.sources import Source
from lms.transaction import transactional
from tests.builders import a_course, a_student

pytestmark = pytest.mark.usefixtures("context")


@transactional
def let_in(session: Session, pairs: list[Pair]) -> set[Pair]:
    sources = [Source(*pair, "import") for pair in pairs]
    admission = let_in_while_seats_last(session, sources, by=None, reason="", details={})
    return set(admission.enrolled)


def test_seats_go_to_whoever_stands_first_in_the_list() -> None:
    small, large = a_course(capacity=2), a_course()
    students = [a_student() for _ in range(4)]
    in_turn = [(student, small) for student in reversed(students)]
    assert let_in([*in_turn, (students[0], large)]) == {*in_turn[:2], (students[0], large)}


def test_who_is_enrolled_already_takes_no_further_seat() -> None:
    course = a_course(capacity=2)
    first, second = a_student(), a_student()
    assert let_in([(first, course)]) == {(first, course)}
    assert let_in([(first, course), (second, course)]) == {(second, course)}
