"""Stripe's deliveries: only Stripe can sign them."""

import json
import time

from stripe import Webhook

from lms.payments.events import Event, read_event
from lms.payments.objects import Malformed
from lms.refusals import Unverified

TOLERANCE_SECONDS = 300
"""How old a signature may be: an old delivery, caught on its way, cannot be played again later.

Nor may it be from further in the future, or it could be kept until then.
"""


def verified_event(body: bytes, signature: str, *, secrets: str) -> Event:
    """Return the event that Stripe has signed; several secrets, while one replaces another.

    Raises Unverified.
    """
    known = [secret.strip() for secret in secrets.split(",") if secret.strip()]
    if not any(_is_signed(body, signature, secret) for secret in known):
        raise Unverified("The signature doesn't match. Check the webhook secret.")
    try:
        data = json.loads(body)
        if not isinstance(data, dict):
            raise Unverified("The body isn't an event.")
        return read_event(data)
    except (Malformed, ValueError, RecursionError) as error:
        raise Unverified(f"The body isn't an event: {error}") from None


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        Webhook.construct_event(body, signature, secret, tolerance=TOLERANCE_SECONDS)
        # The SDK has read the same time, but only asks whether it is too old.
        signed_at = next(part[2:] for part in signature.split(",") if part.startswith("t="))
        return int(signed_at) <= time.time() + TOLERANCE_SECONDS
    except Exception:  # noqa: BLE001 - the SDK also raises TypeError, UnicodeDecodeError and more
        return False
