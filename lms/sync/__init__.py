"""Find what is wrong, repair it, take the repair back, and say why somebody has access or not."""

from lms.queries.integrity import WHOLE_SCHOOL, Report, Scope, validate
from lms.sync.auto_fix import AutoFixResult, auto_fix, auto_fix_by_itself
from lms.sync.explain import Explanation, explain
from lms.sync.health import Health, health
from lms.sync.undo import UndoResult, undo
from lms.sync.validation import last_validation, validate_again

__all__ = [
    "WHOLE_SCHOOL",
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
    "last_validation",
    "undo",
    "validate",
    "validate_again",
]
