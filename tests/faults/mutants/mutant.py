"""One deliberate fault."""

import ast
from dataclasses import dataclass

from tests.faults.mutants.breaking import Operation
from tests.faults.mutants.definitions import ROOT, Definition, definitions

__all__ = ["ROOT", "Broken", "Mutant", "Unfit"]

COURSES, DEFAULTS, LEARNING, PEOPLE, REQUESTS = (
    f"tests/enrollment/test_{name}.py"
    for name in ("courses", "defaults", "learning", "people", "requests")
)
ACCESS = tuple(
    f"tests/enrollment/test_{name}.py" for name in ("enrolling", "unenrolling", "sources")
)
MACHINE, RACES, HISTORIES = (
    f"tests/faults/test_{name}.py" for name in ("state_machine", "races", "histories")
)
AUTO_FIX, KILLED, KINDS = (f"tests/sync/test_{name}.py" for name in ("auto_fix", "killed", "kinds"))
TRANSACTION = "tests/test_transaction.py"
LIVE = "tests/test_live.py"


class Unfit(ValueError):  # noqa: N818 - a fact about a fault
    """The fault does not find the one place that it means; the message says what to do."""


@dataclass(frozen=True)
class Broken:
    """A module with a fault in it."""

    file: str
    source: str


@dataclass(frozen=True)
class Mutant:
    """In `function`, wherever in lms it stands, something is broken: one of `tests` must fail.

    The tests are tried in this order. A name that several modules define is told by the one place
    that can be broken so; where there are several, `module:function` says which.
    """

    name: str
    function: str
    broken_by: Operation | tuple[Operation, ...]
    tests: tuple[str, ...]
    engine: str = "sqlite"
    """Locks do their work on PostgreSQL alone."""

    def applied(self) -> Broken:
        """Return the module with the fault in it. Raises Unfit."""
        first, *others = self._operations
        found = [
            (each, len(edits))
            for each in definitions(self.function)
            if (edits := first(each.parsed()[1]))
        ]
        if len(found) != 1 or found[0][1] != 1:
            raise Unfit(self._says([(each.module, places) for each, places in found]))
        return self._broken(found[0][0], [first, *others])

    @property
    def _operations(self) -> tuple[Operation, ...]:
        return self.broken_by if isinstance(self.broken_by, tuple) else (self.broken_by,)

    def _broken(self, definition: Definition, operations: list[Operation]) -> Broken:
        tree, function = definition.parsed()
        right = ast.unparse(tree)
        for operation in operations:
            edits = operation(function)
            if len(edits) != 1:
                raise Unfit(self._says([(definition.module, len(edits))]))
            edits[0]()
        source = ast.unparse(ast.fix_missing_locations(tree))
        if source == right:
            raise Unfit(f"'{self.name}' changes nothing in {definition.module}:{self.function}.")
        ast.parse(source)
        return Broken(definition.file, source)

    def _says(self, found: list[tuple[str, int]]) -> str:
        known = [each.module for each in definitions(self.function)]
        if not known:
            todo = f"nothing in lms is called {self.function}: give the fault its new name"
        elif not any(places for _, places in found):
            todo = (
                f"{self.function} (in {', '.join(known)}) has nothing that fits any more: describe"
                " to the fault what the rule looks like now, or name the function it went to"
            )
        else:
            places = ", ".join(f"{number} in {module}" for module, number in found)
            todo = (
                f"{self.function} has several places that fit ({places}): let the fault say more"
                " about the statement, or name it `module:function`"
            )
        return f"The fault '{self.name}' must find exactly one place, but {todo}."
