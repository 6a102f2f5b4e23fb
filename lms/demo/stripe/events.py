"""Events and their delivery, written in the transaction of the change."""

from copy import deepcopy

from lms.db import now
from lms.demo.stripe import objects
from lms.demo.stripe.shapes import check
from lms.demo.stripe.store import DELIVERIES, Body, Ledger


def emit(ledger: Ledger, kind: str, subject: Body, before: Body | None = None) -> None:
    """Record an event about an object, in the transaction that changes it."""
    request = {"id": ledger.request_id, "idempotency_key": ledger.key}
    made = objects.event(kind, deepcopy(subject), before=before, request=request)
    check(made)
    ledger.add(made)
    ledger.connection.execute(
        DELIVERIES.insert().values(event_id=made["id"], attempts=0, next_at=now().timestamp())
    )
