"""How much of a payment the school has to keep for the access that it bought to stay."""

from typing import Any

from flask import current_app

KEPT_TOO_LITTLE = "Too little of this payment is left to give access: "
"""What follows says how much is kept, and how much it takes."""


def keeps_access(kept: Any, taken: Any, percent: Any) -> Any:
    """Return whether access stays, by what is kept of what was taken; for numbers and columns.

    Kept is what neither refunds nor lost disputes have taken away. The one rule of it: a lost
    dispute of a part is like a refund of that part.
    """
    return (kept > 0) & (kept * 100 >= taken * percent)


def kept_percent() -> int:
    """Return the share that the school has set; 0 is any."""
    percent: int = current_app.config["LMS_KEPT_PERCENT"]
    return percent
