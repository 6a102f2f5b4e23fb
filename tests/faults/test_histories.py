"""What clients in several processes are told at once could have happened one after the other."""

from collections import defaultdict

import pytest
from flask import Flask
from sqlalchemy import select

from lms.db import db
from lms.models import Chapter
from tests.builders import (
    a_course,
    a_course_open_to_all,
    a_public_course,
    a_student,
    an_admin,
    without_limit,
)
from tests.faults.clients import History, Place
from tests.faults.clients import Pair as Key
from tests.faults.linearizability import Operation, stuck
from tests.faults.pair import Course, after, newcomer
from tests.faults.profile import NIGHTLY
from tests.faults.racers import Racers, call
from tests.invariants import assert_invariants

CLIENTS = 8
CALLS = 10_000 if NIGHTLY else 1_500


@pytest.mark.timeout(1800 if NIGHTLY else 300)
def test_what_every_client_was_told_fits_one_order(
    processes: Racers, context: Flask, database_url: str
) -> None:
    place = _place()
    db.session.remove()
    turns = -(-CALLS // CLIENTS)
    outcomes = processes.race(
        database_url,
        [call("tests.faults.clients:play", number, turns, place) for number in range(CLIENTS)],
    )
    errors = [outcome.error for outcome in outcomes if outcome.error]
    assert not errors, errors[0]

    histories = _by_pair([outcome.value for outcome in outcomes])
    # A look tells of every course of the student: it is one call, and one operation of each.
    looks = sum(operation.name == "look" for own in histories.values() for operation in own)
    operations = sum(len(own) for own in histories.values())
    assert operations - looks + looks // len(place.courses) == turns * CLIENTS
    for (student, course), history in histories.items():
        obstacle = stuck(history, newcomer(place.courses[course]), after)
        told = [*map(str, obstacle), "is what fits nowhere, among these:"]
        around = _around(history, obstacle) if obstacle else []
        assert not obstacle, "\n".join((f"student {student}, course {course}:", *told, *around))
    assert _overlapping(histories) > CALLS // 10, "the clients have hardly met"
    assert_invariants(db.session())


def _place() -> Place:
    admin, students = an_admin(), (a_student("Ada"), a_student("Bob"))
    without_limit("request", *students)
    return Place(
        admin,
        students,
        {
            (course := a_course(chapters=3)): Course(_chapters(course)),
            (course := a_public_course(chapters=2)): Course(_chapters(course), is_public=True),
            (course := a_course_open_to_all(chapters=2)): Course(
                _chapters(course), is_default=True
            ),
        },
    )


def _chapters(course: int) -> tuple[int, ...]:
    return tuple(db.session.scalars(select(Chapter.id).where(Chapter.course_id == course)))


def _by_pair(told: list[History]) -> dict[Key, list[Operation]]:
    histories: dict[Key, list[Operation]] = defaultdict(list)
    for history in told:
        for pair, operation in history:
            histories[pair].append(operation)
    return histories


def _around(history: list[Operation], obstacle: list[Operation]) -> list[str]:
    """Return what was told just before, during and just after: there the cause has to be."""
    told = sorted(history, key=lambda operation: operation.invoked)
    places = [told.index(operation) for operation in obstacle]
    return [str(each) for each in told[max(0, min(places) - 30) : max(places) + 15]]


def _overlapping(histories: dict[Key, list[Operation]]) -> int:
    """Return how many operations began while another of the same pair was under way."""
    number = 0
    for history in histories.values():
        latest = 0
        for operation in sorted(history, key=lambda operation: operation.invoked):
            number += operation.invoked < latest
            latest = max(latest, operation.returned)
    return number
