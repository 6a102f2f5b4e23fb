"""The checker says yes to histories that have an order, and no to those that have none."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.linearizability import Operation, stuck
from tests.faults.pair import DONE, Course, Pair, after, newcomer

ALGEBRA = Course(chapters=(1, 2))
BOTANY = Course(chapters=(1, 2), is_public=True)
WELCOME = Course(chapters=(1,), is_default=True)

LOOKS_OUT = (False, None, False, 0)
LOOKS_APPROVED = (True, None, True, 0)
JOINED = (DONE, True, "direct", 0)


def told(
    name: str, argument: Any, invoked: int, returned: int, answer: tuple[Any, ...]
) -> Operation:
    return Operation(1, name, argument, invoked, returned, answer)


ORDERED = {
    "nothing": (ALGEBRA, []),
    "a request is made, approved and seen": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("look", None, 3, 4, (False, 7, False, 0)),
            told("approve", 7, 5, 6, (DONE,)),
            told("look", None, 7, 8, LOOKS_APPROVED),
            told("approve", 7, 9, 10, ("AlreadyReviewed", "approved")),
        ],
    ),
    "the second of two requests at once waits": (
        ALGEBRA,
        [
            told("request", None, 1, 9, ("RequestPending",)),
            told("request", None, 2, 8, (DONE, 7)),
        ],
    ),
    "a look during an approval sees it though it has not returned": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("approve", 7, 3, 9, (DONE,)),
            told("look", None, 4, 5, LOOKS_APPROVED),
        ],
    ),
    "a look during an approval does not see it yet": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("approve", 7, 3, 9, (DONE,)),
            told("look", None, 4, 8, (False, 7, False, 0)),
        ],
    ),
    "joining supersedes a request, which nobody can then approve": (
        BOTANY,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("join", None, 3, 6, JOINED),
            told("approve", 7, 4, 5, ("RequestNotFound",)),
        ],
    ),
    "who is sent away and let in again keeps the progress": (
        BOTANY,
        [
            told("join", None, 1, 2, JOINED),
            told("complete", 1, 3, 4, (DONE, 50, 1)),
            told("unenroll", None, 5, 6, (DONE,)),
            told("complete", 2, 7, 8, ("NotEnrolled",)),
            told("enroll", None, 9, 10, (DONE, True, "admin", 50)),
        ],
    ),
    "who was sent away from everybody's course is let in for both reasons": (
        WELCOME,
        [
            told("unenroll", None, 1, 2, (DONE,)),
            told("join", None, 3, 4, ("NotPublic",)),
            told("enroll", None, 5, 6, (DONE, True, "admin", 0)),
            told("enroll", None, 7, 8, (DONE, False, "admin", 0)),
            told("unenroll", None, 9, 10, (DONE,)),
            told("unenroll", None, 11, 12, ("NotEnrolled",)),
        ],
    ),
    "an order that the first guess misses": (
        BOTANY,
        [
            told("join", None, 1, 20, JOINED),
            told("unenroll", None, 2, 19, (DONE,)),
            told("look", None, 3, 4, LOOKS_OUT),
            told("look", None, 5, 6, (True, None, False, 0)),
            told("look", None, 7, 18, LOOKS_OUT),
            told("look", None, 21, 22, LOOKS_OUT),
        ],
    ),
}

DISORDERED = {
    "an enrollment is not seen by who looks after it": (
        BOTANY,
        [told("join", None, 1, 2, JOINED), told("look", None, 3, 4, LOOKS_OUT)],
    ),
    "a second look sees the past of the first": (
        BOTANY,
        [
            told("join", None, 1, 9, JOINED),
            told("look", None, 2, 3, (True, None, False, 0)),
            told("look", None, 4, 5, LOOKS_OUT),
        ],
    ),
    "neither pending nor enrolled in the middle of an approval": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("approve", 7, 3, 9, (DONE,)),
            told("look", None, 4, 5, LOOKS_OUT),
        ],
    ),
    "two enrollments are both new": (
        BOTANY,
        [told("join", None, 1, 9, JOINED), told("join", None, 2, 8, JOINED)],
    ),
    "two decisions on one request": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("approve", 7, 3, 9, (DONE,)),
            told("reject", 7, 4, 8, (DONE,)),
        ],
    ),
    "two requests wait at once": (
        ALGEBRA,
        [told("request", None, 1, 9, (DONE, 7)), told("request", None, 2, 8, (DONE, 8))],
    ),
    "of two chapters completed at once one is lost": (
        BOTANY,
        [
            told("join", None, 1, 2, JOINED),
            told("complete", 1, 3, 9, (DONE, 50, 1)),
            told("complete", 2, 4, 8, (DONE, 50, 1)),
        ],
    ),
    "a lost completion shows later": (
        BOTANY,
        [
            told("join", None, 1, 2, JOINED),
            told("complete", 1, 3, 4, (DONE, 50, 1)),
            told("look", None, 5, 6, (True, None, False, 0)),
        ],
    ),
    "a request that was cancelled is approved": (
        ALGEBRA,
        [
            told("request", None, 1, 2, (DONE, 7)),
            told("cancel", 7, 3, 9, (DONE,)),
            told("approve", 7, 4, 8, (DONE,)),
        ],
    ),
    "a default outlives that an admin ended it": (
        WELCOME,
        [
            told("unenroll", None, 1, 2, (DONE,)),
            told("look", None, 3, 4, (True, None, False, 0)),
        ],
    ),
}


@pytest.mark.parametrize("name", ORDERED)
def test_a_history_that_has_an_order_is_linearizable(name: str) -> None:
    course, history = ORDERED[name]
    assert stuck(history, newcomer(course), after) == []


@pytest.mark.parametrize("name", DISORDERED)
def test_a_history_that_has_no_order_is_not_linearizable(name: str) -> None:
    course, history = DISORDERED[name]
    assert stuck(history, newcomer(course), after)


def test_an_obstacle_is_what_could_not_come_next() -> None:
    course, history = DISORDERED["a request that was cancelled is approved"]
    [left] = stuck(history, newcomer(course), after)
    assert left.name in {"approve", "cancel"}


CALLS = st.tuples(
    st.integers(0, 9),
    st.integers(0, 5),
    st.sampled_from(
        [
            ("join", None, JOINED),
            ("join", None, (DONE, False, "direct", 0)),
            ("unenroll", None, (DONE,)),
            ("unenroll", None, ("NotEnrolled",)),
            ("look", None, LOOKS_OUT),
            ("look", None, (True, None, False, 0)),
        ]
    ),
)


@given(st.lists(CALLS, max_size=5))
def test_the_search_finds_what_trying_all_orders_finds(calls: list[Any]) -> None:
    history = [
        told(name, argument, start, start + length, answer)
        for start, length, (name, argument, answer) in calls
    ]
    assert (not stuck(history, newcomer(BOTANY), after)) == any(
        _is_possible(order) for order in permutations(history)
    )


def _is_possible(order: tuple[Operation, ...]) -> bool:
    pair: Pair | None = newcomer(BOTANY)
    for n, operation in enumerate(order):
        if any(later.returned < operation.invoked for later in order[n:]):
            return False
        pair = after(pair, operation) if pair else None
    return pair is not None
