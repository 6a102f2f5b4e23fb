"""A way to bring in each kind of violation; each topic in tests/sync/kinds declares its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

from lms.sync.kinds import KINDS
from tests.sync.damage import Damage
from tests.sync.school import School

Bring = Callable[[Damage, School], None]


@dataclass(frozen=True)
class Injection:
    """Brings a kind of violation into the school of `a_school`, past all guards."""

    bring: Bring
    undo: Literal["whole", "partly", "refused"] = "whole"
    """Whether undo brings the violation back: the database may have come to forbid it."""
    kept: frozenset[str] = frozenset()
    """Tables whose rows undo keeps as they are, and says why."""
    dropped: frozenset[str] = frozenset()
    """Tables of which undo takes away what cannot stand alone."""
    needs_attention: bool = False
    """Whether auto-fix leaves it to an admin."""
    loses_completions: bool = False
    is_for_sqlite: bool = False
    """Whether only SQLite lets it in."""


_DECLARED: dict[str, Injection] = {}


def injection(
    undo: Literal["whole", "partly", "refused"] = "whole",
    *,
    kept: tuple[str, ...] = (),
    dropped: tuple[str, ...] = (),
    needs_attention: bool = False,
    loses_completions: bool = False,
    is_for_sqlite: bool = False,
) -> Callable[[Bring], Bring]:
    """Declare that a function brings in the kind of violation whose name it has."""

    def declare(bring: Bring) -> Bring:
        _DECLARED[bring.__name__] = Injection(
            bring,
            undo=undo,
            kept=frozenset(kept),
            dropped=frozenset(dropped),
            needs_attention=needs_attention,
            loses_completions=loses_completions,
            is_for_sqlite=is_for_sqlite,
        )
        return bring

    return declare


@cache
def injections() -> dict[str, Injection]:
    """Return all by kind, in the order of repair, then those whose name is that of no kind."""
    for topic in iter_modules([str(Path(__file__).with_name("kinds"))]):
        import_module(f"tests.sync.kinds.{topic.name}")
    return {kind: _DECLARED[kind] for kind in (*KINDS, *_DECLARED) if kind in _DECLARED}


def repairable() -> list[str]:
    """Return the kinds that auto-fix repairs and both databases let in, in the order of repair."""
    return [
        kind
        for kind, each in injections().items()
        if not each.needs_attention and not each.is_for_sqlite
    ]
