"""What a rule of the house is: what it looks for, where that is allowed, and made-up offenders."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

Find = Callable[
    [ast.Module], Iterator[ast.expr] | Iterator[ast.stmt] | Iterator[ast.stmt | ast.expr]
]
Offender = tuple[str, str]
"""The path of a made-up module, and its source that breaks the rule exactly once."""


@dataclass(frozen=True)
class Rule:
    """What may stand only in some modules and packages."""

    find: Find
    allowed: tuple[str, ...]
    offenders: tuple[Offender, ...]

    def __str__(self) -> str:
        return self.find.__name__

    def broken(self, root: Path) -> list[str]:
        """Find where the modules of `lms` under `root` break the rule."""
        return [
            f"{module}:{node.lineno}: {ast.unparse(node)[:60]}"
            for module, tree in _modules(root)
            if not self._allows(module)
            for node in self.find(tree)
        ]

    def _allows(self, module: str) -> bool:
        return any(
            module == package or module.startswith(f"{package}.") for package in self.allowed
        )


RULES: list[Rule] = []
"""All that `rule` has declared; `tests.architecture.test_rules` checks each."""


def rule(*, allowed: tuple[str, ...], offenders: tuple[Offender, ...]) -> Callable[[Find], Rule]:
    """Make a rule of a function that finds in one module what only `allowed` ones may do."""

    def declare(find: Find) -> Rule:
        RULES.append(Rule(find, allowed, offenders))
        return RULES[-1]

    return declare


def _modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(root.glob("lms/**/*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        yield name, _parsed(path.read_text())


@cache
def _parsed(source: str) -> ast.Module:
    """Parse a module once for all rules: that takes longer than to look through it."""
    return ast.parse(source)
