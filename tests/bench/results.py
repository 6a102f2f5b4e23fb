"""Results beside their targets, and whether a target was missed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

TOLERANCE = 1.3
"""A target is missed where the result is worse by more than this, twice."""


@dataclass(frozen=True)
class Result:
    """What was measured of one work, in the unit of its target."""

    name: str
    target: float
    """0 where there is none."""
    measured: float
    unit: str = ""
    is_least: bool = False
    """Whether the target is the least that is wanted, and not the most."""
    notes: str = ""
    failure: str = ""
    """What went wrong, other than that it took too much."""

    @property
    def excess(self) -> float:
        """How many times the target it took; at most 1 where the target is met."""
        if self.is_least:
            return self.target / max(self.measured, 1e-9)
        return self.measured / self.target if self.target else 1

    @property
    def is_missed(self) -> bool:
        return bool(self.failure) or self.excess > TOLERANCE

    def __str__(self) -> str:
        """Return its line of the table."""
        bound = f"{'>' if self.is_least else ''}{self.target:g}{self.unit}" if self.target else ""
        found = f"{self.measured:.{2 if self.measured < 10 else 0}f}{self.unit}"
        verdict = self.failure or ("ok" if self.excess <= 1 else f"{self.excess:.1f} times")
        return f"{self.name:28}{bound:>9}{found:>10}  {verdict:12}{self.notes}".rstrip()


def better(first: Result, second: Result) -> Result:
    """Return the better of two rounds: noise only adds."""
    return min(first, second, key=lambda result: (bool(result.failure), result.excess))


def best_of(rounds: int, measure: Callable[[], Iterable[Result]]) -> list[Result]:
    """Measure until no target is missed, at most so often; return the better of each result."""
    results: list[Result] = []
    for _ in range(rounds):
        found = list(measure())
        results = [better(*both) for both in zip(results or found, found, strict=True)]
        if not any(result.is_missed for result in results):
            break
    return results


HEADING = f"{'CPU as a multiple of bare':28}{'target':>9}{'result':>10}  {'':12}"
