"""When a sweep deletes: by the clock of where contents lie, and for how long."""

import time
from typing import NamedTuple


class Turn(NamedTuple):
    """A sweep's turn to delete, while whoever puts a content waits."""

    now: float
    """When it began, by the clock that says when contents were put there."""
    until: float
    """Until when it lasts, by `time.monotonic`."""

    @property
    def is_over(self) -> bool:
        """Whether nothing may be deleted any more."""
        return time.monotonic() > self.until
