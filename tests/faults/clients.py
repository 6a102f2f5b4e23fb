"""Clients that change and look at a few pairs at random, and write down what they were told."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lms import enrollment
from lms.db import db
from lms.queries.student import courses
from lms.refusals import AlreadyReviewed, Refusal
from tests.faults.linearizability import Operation
from tests.faults.pair import DONE, Answer, Course

Pair = tuple[int, int]
History = list[tuple[Pair, Operation]]


@dataclass(frozen=True)
class Place:
    """Where clients meet."""

    admin: int
    students: tuple[int, ...]
    courses: dict[int, Course]


def play(number: int, turns: int, place: Place) -> History:
    """Take turns as one client, one call after the other; the number decides which."""
    client = _Client(number, place, random.Random(number))  # noqa: S311 - a script, no secret
    for _ in range(turns):
        client.take_turn()
    return client.history


@dataclass
class _Client:
    number: int
    place: Place
    random: random.Random
    history: History = field(default_factory=list)
    _requests: dict[Pair, int] = field(default_factory=dict)
    """The last request of each pair that this client has seen: others may have decided it."""

    def take_turn(self) -> None:
        pair = (
            self.random.choice(self.place.students),
            self.random.choice(list(self.place.courses)),
        )
        [name] = self.random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        if name in _DECISIONS and pair not in self._requests:
            name = "request"
        if name == "look":
            self._look(pair[0])
        else:
            self._change(name, pair)

    def _look(self, student: int) -> None:
        invoked = time.monotonic_ns()
        cards = courses(student)
        returned = time.monotonic_ns()
        db.session.rollback()
        for card in cards:
            if card.pending_request_id is not None:
                self._requests[student, card.id] = card.pending_request_id
            answer = (
                card.is_enrolled,
                card.pending_request_id,
                card.has_approved_request,
                card.progress,
            )
            look = Operation(self.number, "look", None, invoked, returned, answer)
            self.history.append(((student, card.id), look))

    def _change(self, name: str, pair: Pair) -> None:
        argument = self._argument(name, pair)
        invoked = time.monotonic_ns()
        try:
            answer = _CALLS[name](pair, argument, self.place.admin)
        except AlreadyReviewed as refusal:
            answer = ("AlreadyReviewed", refusal.decision)
        except Refusal as refusal:
            answer = (type(refusal).__name__,)
        returned = time.monotonic_ns()
        if name == "request" and answer[0] == DONE:
            self._requests[pair] = answer[1]
        # The clock is one for all processes of the machine.
        told = Operation(self.number, name, argument, invoked, returned, answer)
        self.history.append((pair, told))

    def _argument(self, name: str, pair: Pair) -> Any:
        if name in _DECISIONS:
            return self._requests[pair]
        if name in {"complete", "reopen"}:
            return self.random.choice(self.place.courses[pair[1]].chapters)
        return None


def _request(pair: Pair, _argument: Any, _admin: int) -> Answer:
    return DONE, enrollment.request_access(*pair).id


def _cancel(pair: Pair, request: int, _admin: int) -> Answer:
    enrollment.cancel_request(request, by=pair[0])
    return (DONE,)


def _approve(_pair: Pair, request: int, admin: int) -> Answer:
    enrollment.approve(request, by=admin)
    return (DONE,)


def _reject(_pair: Pair, request: int, admin: int) -> Answer:
    enrollment.reject(request, by=admin)
    return (DONE,)


def _join(pair: Pair, _argument: Any, _admin: int) -> Answer:
    result = enrollment.enroll_directly(*pair)
    return DONE, result.is_new, result.source, result.progress


def _enroll(pair: Pair, _argument: Any, admin: int) -> Answer:
    result = enrollment.enroll(*pair, by=admin)
    return DONE, result.is_new, result.source, result.progress


def _unenroll(pair: Pair, _argument: Any, admin: int) -> Answer:
    enrollment.unenroll(*pair, by=admin)
    return (DONE,)


def _complete(pair: Pair, chapter: int, _admin: int) -> Answer:
    result = enrollment.complete_chapter(pair[0], chapter)
    return DONE, result.progress, result.completed_chapters


def _reopen(pair: Pair, chapter: int, _admin: int) -> Answer:
    result = enrollment.reopen_chapter(pair[0], chapter)
    return DONE, result.progress, result.completed_chapters


_CALLS: dict[str, Callable[[Pair, Any, int], Answer]] = {
    "request": _request,
    "cancel": _cancel,
    "approve": _approve,
    "reject": _reject,
    "join": _join,
    "enroll": _enroll,
    "unenroll": _unenroll,
    "complete": _complete,
    "reopen": _reopen,
}
_DECISIONS = {"cancel", "approve", "reject"}
# Few come in by themselves and many are sent away, so that requests are made and decided.
_WEIGHTS = {
    "request": 12,
    "cancel": 6,
    "approve": 10,
    "reject": 6,
    "join": 4,
    "enroll": 4,
    "unenroll": 14,
    "complete": 12,
    "reopen": 8,
    "look": 24,
}
