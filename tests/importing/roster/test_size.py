"""A big roster keeps others waiting no longer than its rows take to be written."""

from lms.db import db
from tests.builders import a_course, a_course_open_to_all
from tests.importing.conftest import assert_sound
from tests.importing.roster.conftest import HEADER, Roster
from tests.statements import sent_to


def _lines(number: int, course: int) -> list[str]:
    return [HEADER, *(f"s{number}-{each}@x.org,Kim,{course},enroll" for each in range(number))]


def test_many_new_accounts_take_no_more_statements_than_few(roster: Roster) -> None:
    course = a_course("Tides")
    a_course_open_to_all("Welcome")
    roster(*_lines(3, course))
    numbers = []
    for number in (5, 300):
        with sent_to(db.engine) as sent:
            report = roster(*_lines(number, course))
        assert report.counts["create_and_enroll"] == number
        numbers.append(len(sent))
    few, many = numbers
    assert many <= few + 10
    assert_sound()
