"""A big school by set-based inserts, sound in every respect: a million enrollments in a minute."""

from tests.bench.school.filling import fill
from tests.bench.school.size import Size

__all__ = ["Size", "fill"]
