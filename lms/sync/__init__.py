"""Find violations, repair them, undo repairs, and explain why a student has access or not."""

from lms.sync.auto_fix import AutoFixResult, auto_fix, auto_fix_by_itself
from lms.sync.explain import Explanation, explain
from lms.sync.finding import WHOLE_SCHOOL, Scope
from lms.sync.folding import fold_sums
from lms.sync.health import Health, ask_health, health, health_soon
from lms.sync.kinds import label_of
from lms.sync.kinds.files import noting_unchecked
from lms.sync.latest import (
    Latest,
    carry_out_soon,
    is_validation_due,
    known,
    latest,
    validate_anew,
    validate_when_due,
)
from lms.sync.reports import begin as begin_validation
from lms.sync.runs import dismiss_attention
from lms.sync.undo import UndoResult, undo
from lms.sync.validation import ListedFinding, Report, every_finding, validate
from lms.sync.zone import ZoneFollower, follow_zone_at_start

__all__ = [
    "WHOLE_SCHOOL",
    "AutoFixResult",
    "Explanation",
    "Health",
    "Latest",
    "ListedFinding",
    "Report",
    "Scope",
    "UndoResult",
    "ZoneFollower",
    "ask_health",
    "auto_fix",
    "auto_fix_by_itself",
    "begin_validation",
    "carry_out_soon",
    "dismiss_attention",
    "every_finding",
    "explain",
    "fold_sums",
    "follow_zone_at_start",
    "health",
    "health_soon",
    "is_validation_due",
    "known",
    "label_of",
    "latest",
    "noting_unchecked",
    "undo",
    "validate",
    "validate_anew",
    "validate_when_due",
]
