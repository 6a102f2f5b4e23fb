"""Where in lms a name is defined: a function that moves to another module is found there."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]

Body = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Definition:
    """One definition of a name: its module, and which of the module's nodes it is."""

    name: str
    """`function`, `Class.method`, `function.inner` or `CONSTANT`."""
    file: str
    place: int
    """Its number among the nodes of the module, in the order of ast.walk."""

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def parsed(self) -> tuple[ast.Module, Body]:
        """Return a fresh tree of its module, and the definition in it."""
        tree = ast.parse((ROOT / self.file).read_text())
        node = list(ast.walk(tree))[self.place]
        assert isinstance(node, Body)
        return tree, node


def definitions(name: str) -> list[Definition]:
    """Return where a name is defined: in all of lms, or for `module:name` in that module.

    Of a module its last parts are enough: `checkout` is `lms.payments.checkout`.
    """
    module, _, name = name.rpartition(":")
    found = _index().get(name, [])
    return [each for each in found if f".{each.module}".endswith(f".{module}" if module else "")]


@cache
def _index() -> Mapping[str, list[Definition]]:
    found: dict[str, list[Definition]] = defaultdict(list)
    for path in sorted((ROOT / "lms").rglob("*.py")):
        file = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        places = {id(node): place for place, node in enumerate(ast.walk(tree))}
        for name, node in _named(tree):
            found[name].append(Definition(name, file, places[id(node)]))
    return found


def _named(scope: ast.AST, within: str = "") -> Iterator[tuple[str, Body]]:
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield f"{within}{node.name}", node
                yield from _named(node, f"{within}{node.name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if not isinstance(scope, ast.FunctionDef):
                    yield f"{within}{name}", node
            case ast.If() | ast.With() | ast.Try():
                yield from _named(node, within)
