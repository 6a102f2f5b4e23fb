"""Whether what clients saw at once could have happened one after the other.

The search of Wing and Gong with the memory of Lowe: an operation may come next if none that is
still missing had returned before it was invoked; a set of done operations that led to a state
without success once is not tried again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

State = TypeVar("State")


@dataclass(frozen=True)
class Operation:
    """One call of one client, from when it was made until it was answered."""

    client: int
    name: str
    argument: Any
    invoked: int
    returned: int
    answer: Any

    def __str__(self) -> str:
        return (
            f"{self.invoked}-{self.returned} client {self.client}:"
            f" {self.name}({self.argument}) -> {self.answer}"
        )


def stuck(
    history: Iterable[Operation], state: State, after: Callable[[State, Operation], State | None]
) -> list[Operation]:
    """Return the operations of which none can come next; empty for a linearizable history.

    `after` is the state that an operation leaves, or None if its answer is wrong in that state.
    """
    operations = sorted(history, key=lambda operation: operation.invoked)
    furthest, obstacle = -1, operations
    points: list[tuple[int, frozenset[int], State]] = [(0, frozenset(), state)]
    seen = set(points)
    while points:
        first, ahead, state = points.pop()
        if first == len(operations):
            return []
        candidates = list(_candidates(operations, first, ahead))
        if first + len(ahead) > furthest:
            furthest, obstacle = first + len(ahead), [operations[n] for n in candidates]
        # Who returned first is tried first: it is at the end of the list.
        for n in sorted(candidates, key=lambda n: -operations[n].returned):
            if (following := after(state, operations[n])) is None:
                continue
            point = (*_done(first, ahead, n), following)
            if point not in seen:
                seen.add(point)
                points.append(point)
    return obstacle


def _candidates(operations: list[Operation], first: int, ahead: frozenset[int]) -> Iterator[int]:
    """Return what may come next, of those that are not done: `first` and all but `ahead`."""
    earliest_return = operations[first].returned
    for n in range(first, len(operations)):
        if operations[n].invoked > earliest_return:
            return
        if n not in ahead:
            earliest_return = min(earliest_return, operations[n].returned)
            yield n


def _done(first: int, ahead: frozenset[int], n: int) -> tuple[int, frozenset[int]]:
    done = {*ahead, n}
    while first in done:
        done.remove(first)
        first += 1
    return first, frozenset(done)
