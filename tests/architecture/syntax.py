"""How to read a module's syntax tree: its calls, and what its names really are."""

import ast
from collections.abc import Iterator
from functools import cache


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


@cache
def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what imported names are really called: `put` may be `lms.upsert.insert`."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def name_of(node: ast.expr) -> str:
    """Return the last part of a name: `update` of `sa.update`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
