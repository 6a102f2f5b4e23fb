"""What leaves signed, with its time: links, states, cookies.

Each machine has a clock, and a clock is set. What one machine has just signed lies in the future of
another that is a second behind, and itsdangerous refuses it: people would be signed out by it.
"""

import time
from typing import Any

from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

MOST_AHEAD = 300
"""Seconds by which another machine's clock, or this one's before it was set, may be ahead."""


def is_good(signed_at: float, lifetime: float, now: float | None = None) -> bool:
    """Return whether a signature is good: at most so many seconds old, by whichever clock."""
    age = (time.time() if now is None else now) - signed_at
    return -MOST_AHEAD <= age <= lifetime


class _Signer(TimestampSigner):
    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> Any:
        """Return what was signed, by this machine or another; raises BadSignature."""
        value, signed_at = super().unsign(signed_value, return_timestamp=True)
        if max_age is not None and not is_good(
            signed_at.timestamp(), max_age, self.get_timestamp()
        ):
            raise SignatureExpired("too old", payload=value, date_signed=signed_at)
        return (value, signed_at) if return_timestamp else value


class Signatures(URLSafeTimedSerializer):
    """Signs values with the time, and returns them as long as they are good."""

    default_signer = _Signer
