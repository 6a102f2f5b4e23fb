"""Form bodies with nested names, as the SDK writes them: line_items[0][price_data][currency]."""

import re
from collections.abc import Iterable
from typing import Any

from lms.demo.stripe.errors import InvalidParams

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 12


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return names and values as the tree that the names describe; lists have digits as keys."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = _steps(name)
        branch = tree
        for step in path:
            branch = branch.setdefault(step or str(len(branch)), {})
            if not isinstance(branch, dict):
                raise InvalidParams(f"Invalid object: {name}", param=name)
        last = last or str(len(branch))
        if last in branch:
            raise InvalidParams(f"Received {name} twice", param=name)
        branch[last] = value
    return tree


def _steps(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None or name.count("[") > _DEEPEST:
        raise InvalidParams(f"Received unknown parameter: {name}", param=name)
    return [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
