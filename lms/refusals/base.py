"""What every refusal is, and those of any call: nothing there, odd values, too often, too busy."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lms.texts import counted


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The portal understood the call and refused it; nothing was changed."""

    detail = "This isn't possible."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.detail
        super().__init__(self.detail)


class NotFound(Refusal):
    detail = "This doesn't exist, or has been deleted."


class Invalid(Refusal):
    """A value is not valid; `field` names the input to change."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class ContentChanged(Refusal):
    """What a form would overwrite is not what it showed: somebody else was faster.

    `now` is all that is saved by now, `differing` what of it would be lost, and `untouched` what
    the form left as it was shown.
    """

    detail = "Someone has changed this since you opened it. Open it again before you change it."

    def __init__(
        self,
        now: Mapping[str, Any] = MappingProxyType({}),
        *,
        differing: tuple[str, ...] = (),
        untouched: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.now, self.differing, self.untouched = now, differing, untouched


class FormNotKept(Refusal):
    detail = (
        "The change you made has already been sent, or is too old to send. Check whether it was"
        " saved."
    )


class ReasonMissing(Invalid):
    detail = "Enter a reason. The student will see it."

    def __init__(self) -> None:
        super().__init__("reason", self.detail)


class RateLimited(Refusal):
    """Too many attempts; try again after `retry_after` seconds."""

    def __init__(self, retry_after: int = 60, *, limit: str = "") -> None:
        super().__init__(f"Too many attempts. {_when_again(retry_after)}")
        self.retry_after = retry_after
        self.limit = limit
        """Which one it was, for the log."""

    @property
    def is_long(self) -> bool:
        """Whether nobody waits for it at the page."""
        return self.retry_after >= _LONG_WAIT


_LONG_WAIT = 7200


def _when_again(seconds: int) -> str:
    if seconds >= _LONG_WAIT:
        return f"Try again in {counted(-(-seconds // 3600), 'hour')}."
    wait = (seconds, "second") if seconds < 120 else (-(-seconds // 60), "minute")
    return f"Wait {counted(*wait)} and try again."


class Busy(Refusal):
    """Nothing is wrong with the call but its moment; try again after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class KeyReused(Refusal):
    """An id that its caller chose stands for something else already."""

    detail = (
        "This Idempotency-Key was used for another payment, amount or time. Send the same values"
        " again, or use a new key."
    )
    for_forms = (
        "This form was already sent with different values. Check what was recorded. If this is a"
        " different payment or refund, send the form again."
    )
