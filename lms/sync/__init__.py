"""Find what is wrong, repair it, take the repair back, and say why somebody has access or not."""

from lms.queries.integrity import Report, Scope, validate
from lms.sync.auto_fix import AutoFixResult, auto_fix
from lms.sync.undo import UndoResult, undo

__all__ = ["AutoFixResult", "Report", "Scope", "UndoResult", "auto_fix", "undo", "validate"]
