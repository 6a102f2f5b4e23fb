"""What may happen to one student in one course, told as values: a state, a call, its only answer.

Written from the rules alone, without a look at the portal's code.
"""

from dataclasses import dataclass, replace
from typing import Any

from tests.faults.linearizability import Operation

Answer = tuple[Any, ...]
DONE = "done"


@dataclass(frozen=True)
class Course:
    """How students come into the course, and what they complete in it."""

    chapters: tuple[int, ...]
    is_public: bool = False
    is_default: bool = False


@dataclass(frozen=True)
class Pair:
    """A student's standing in a course."""

    course: Course
    sources: tuple[str, ...] = ()
    """In the order in which they were given; there is access exactly while there is one."""
    pending: int | None = None
    is_waived: bool = False
    completed: frozenset[int] = frozenset()
    decided: frozenset[tuple[int, str]] = frozenset()

    @property
    def progress(self) -> int:
        """Percent of the chapters completed, rounded down."""
        return 100 * len(self.completed) // len(self.course.chapters)


def newcomer(course: Course) -> Pair:
    """Return how every student begins."""
    return Pair(course, sources=("default",) if course.is_default else ())


def after(pair: Pair, call: Operation) -> Pair | None:
    """Return the pair after a call; None if the call's answer is not what the rules say."""
    answer, following = _RULES[call.name](pair, call)
    return following if answer == call.answer else None


def _request(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    if pair.sources:
        return ("AlreadyEnrolled",), pair
    if pair.pending is not None:
        return ("RequestPending",), pair
    number = call.answer[-1]  # the portal's choice
    return (DONE, number), replace(pair, pending=number)


def _cancel(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    if call.argument != pair.pending:
        return _gone(pair, call), pair
    return (DONE,), replace(pair, pending=None)


def _approve(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    if call.argument != pair.pending:
        return _gone(pair, call), pair
    decided = pair.decided | {(call.argument, "approved")}
    return (DONE,), replace(_given(pair, "approval"), decided=decided)


def _reject(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    if call.argument != pair.pending:
        return _gone(pair, call), pair
    return (DONE,), replace(
        pair, pending=None, decided=pair.decided | {(call.argument, "rejected")}
    )


def _gone(pair: Pair, call: Operation) -> Answer:
    for decision in ("approved", "rejected"):
        if (call.argument, decision) in pair.decided:
            return ("AlreadyReviewed", decision)
    return ("RequestNotFound",)


def _join(pair: Pair, _call: Operation) -> tuple[Answer, Pair]:
    if not pair.sources and not pair.course.is_public:
        return ("NotPublic",), pair
    return _enrolled(pair, pair if pair.sources else _given(pair, "direct"))


def _enroll(pair: Pair, _call: Operation) -> tuple[Answer, Pair]:
    following = _given(pair, "admin")
    if not pair.sources and pair.is_waived:
        following = replace(_given(following, "default"), is_waived=False)
    return _enrolled(pair, following)


def _enrolled(before: Pair, following: Pair) -> tuple[Answer, Pair]:
    is_new = not before.sources
    return (DONE, is_new, following.sources[0], following.progress), following


def _unenroll(pair: Pair, _call: Operation) -> tuple[Answer, Pair]:
    if not pair.sources:
        return ("NotEnrolled",), pair
    return (DONE,), replace(pair, sources=(), is_waived=pair.is_waived or pair.course.is_default)


def _complete(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    return _learned(pair, replace(pair, completed=pair.completed | {call.argument}))


def _reopen(pair: Pair, call: Operation) -> tuple[Answer, Pair]:
    return _learned(pair, replace(pair, completed=pair.completed - {call.argument}))


def _learned(before: Pair, following: Pair) -> tuple[Answer, Pair]:
    if not before.sources:
        return ("NotEnrolled",), before
    return (DONE, following.progress, len(following.completed)), following


def _look(pair: Pair, _call: Operation) -> tuple[Answer, Pair]:
    if not pair.sources:
        return (False, pair.pending, False, 0), pair
    return (True, None, "approval" in pair.sources, pair.progress), pair


def _given(pair: Pair, source: str) -> Pair:
    """Return the pair with one more source of access; who is in waits no longer."""
    sources = pair.sources if source in pair.sources else (*pair.sources, source)
    return replace(pair, sources=sources, pending=None)


_RULES = {
    "request": _request,
    "cancel": _cancel,
    "approve": _approve,
    "reject": _reject,
    "join": _join,
    "enroll": _enroll,
    "unenroll": _unenroll,
    "complete": _complete,
    "reopen": _reopen,
    "look": _look,
}
