"""All kinds of violation, in the order of repair; each file here declares those of one topic."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from lms.sync.kind import Check, Kind


def _declared() -> Iterator[Kind]:
    for topic in sorted(module.name for module in iter_modules(__path__)):
        yield from import_module(f"{__name__}.{topic}").KINDS


def _phase(turn: tuple[Kind, Check]) -> int:
    kind, check = turn
    return check.phase or kind.phase


KINDS: dict[str, Kind] = {
    kind.name: kind for kind in sorted(_declared(), key=lambda kind: kind.phase)
}
CHECKS: tuple[tuple[Kind, Check], ...] = tuple(
    sorted(((kind, check) for kind in KINDS.values() for check in kind.checks), key=_phase)
)
"""Each repair may rely on those above it."""


def label_of(name: str) -> str:
    """Return what people read for a kind; by its name, where a roster or an older release ran."""
    return KINDS[name].label if name in KINDS else name.replace("_", " ").capitalize()
