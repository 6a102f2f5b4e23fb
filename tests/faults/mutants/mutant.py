"""One deliberate fault."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]

ACCESS, COURSES, DEFAULTS, LEARNING, PEOPLE, REQUESTS = (
    f"tests/enrollment/test_{name}.py"
    for name in ("access", "courses", "defaults", "learning", "people", "requests")
)
MACHINE, RACES, HISTORIES = (
    f"tests/faults/test_{name}.py" for name in ("state_machine", "races", "histories")
)
AUTO_FIX, KILLED, REPAIRS = (
    f"tests/sync/test_{name}.py" for name in ("auto_fix", "killed", "repairs")
)
TRANSACTION = "tests/test_transaction.py"
LIVE = "tests/test_live.py"


@dataclass(frozen=True)
class Mutant:
    """In `file`, `old` becomes `new`: one of `tests`, tried in this order, must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    engine: str = "sqlite"
    """Locks do their work on PostgreSQL alone."""
