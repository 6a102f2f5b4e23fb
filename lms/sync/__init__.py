"""Find what is wrong, repair it, take the repair back, and say why somebody has access or not."""

from lms.queries.integrity import Report, Scope, validate
from lms.sync.auto_fix import AutoFixResult, auto_fix, auto_fix_by_itself
from lms.sync.explain import Explanation, explain
from lms.sync.health import Health, health
from lms.sync.undo import UndoResult, undo

__all__ = [
    "AutoFixResult",
    "Explanation",
    "Health",
    "Report",
    "Scope",
    "UndoResult",
    "auto_fix",
    "auto_fix_by_itself",
    "explain",
    "health",
    "undo",
    "validate",
]
