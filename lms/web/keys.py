"""Ids that callers choose, so that what they send twice is done once."""

import re

from flask import request

from lms.refusals import Invalid

HEADER = "Idempotency-Key"
KEY = re.compile("[!-~]{1,255}")
"""Visible ASCII: what a header can carry, and both databases and Stripe store."""


def idempotency_key() -> str | None:
    """Return the key that a JSON call carries, if any; raises Invalid."""
    given = request.headers.get(HEADER)
    if given is not None and not KEY.fullmatch(given):
        raise Invalid("idempotency_key", "Send 1 to 255 visible ASCII characters, without spaces.")
    return given
