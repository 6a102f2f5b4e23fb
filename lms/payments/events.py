"""Stripe's events, read into facts; what the inbox keeps of them holds no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lms.ledger.facts import Fact
from lms.models.payments import RefundStatus, SessionState
from lms.payments.objects import (
    REQUEST,
    Json,
    Malformed,
    dispute_fact,
    id_of,
    refund_fact,
    session_fact,
    text,
    time,
)

# The least state that each event implies.
_SESSION_EVENTS: dict[str, SessionState] = {
    "checkout.session.completed": "processing",
    "checkout.session.async_payment_succeeded": "paid",
    "checkout.session.async_payment_failed": "failed",
    "checkout.session.expired": "expired",
}
_REFUND_EVENTS: dict[str, RefundStatus] = {
    "refund.created": "pending",
    "refund.updated": "pending",
    "refund.failed": "failed",
    "charge.refund.updated": "pending",  # an older name of refund.updated, still sent beside it
}
_DISPUTE_EVENTS = frozenset(
    f"charge.dispute.{what}"
    for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
_MARKERS = frozenset(["charge.refunded"])
"""They carry no fact, but say that Stripe has one: its refunds are asked for at once."""

HANDLED = tuple(sorted([*_SESSION_EVENTS, *_REFUND_EVENTS, *_DISPUTE_EVENTS, *_MARKERS]))
"""What the webhook endpoint at Stripe has to be subscribed to; docs/operating.md lists them."""
REPLAYED = tuple(kind for kind in HANDLED if kind not in {*_MARKERS, "charge.refund.updated"})
"""What reconciliation fetches: the others say nothing that these and the list of refunds don't."""

# fmt: off
_KEPT = frozenset([
    "id", "object", "livemode", "created", "mode", "status", "client_reference_id",
    "payment_status", "payment_intent", "charge", "amount", "amount_total", "amount_refunded",
    "currency", "reason", "failure_reason", "refunded", "disputed", "amount_subtotal", "invoice",
])
_KEPT_INSIDE = {
    "total_details": ("amount_discount", "amount_tax"),
    "presentment_details": ("presentment_amount", "presentment_currency"),
}
# fmt: on


@dataclass(frozen=True)
class Event:
    """One event: when Stripe created it, and its fact, if any."""

    id: str
    type: str
    livemode: bool | None
    told_at: datetime
    fact: Fact | None
    payment_intent: str | None
    """What a marker is about."""
    payload: dict[str, Any]
    found: tuple[Fact, ...] = ()
    """What Stripe has said of it since."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that is to be merged."""
        return self.found if self.fact is None else (self.fact,)

    @property
    def is_handled(self) -> bool:
        """Whether the portal has any use for events of this type."""
        return self.type in HANDLED


def read_event(data: Json) -> Event:
    """Read an event as Stripe sends it, or as the inbox has kept it."""
    if data.get("object", "event") != "event":
        raise Malformed("its object is not 'event'")
    kind = text(data, "type", longest=100)
    content = data.get("data")
    subject = content.get("object") if isinstance(content, Mapping) else None
    if kind not in HANDLED:
        subject = {}
    elif not isinstance(subject, Mapping):
        raise Malformed("data.object must be an object")
    told_at = time(data, "created")
    livemode = data.get("livemode")
    if livemode is not None and not isinstance(livemode, bool):
        raise Malformed("livemode must be true or false")
    return Event(
        id=text(data, "id"),
        type=kind,
        livemode=livemode,
        told_at=told_at,
        fact=_fact(kind, subject, told_at=told_at),
        payment_intent=id_of(subject, "payment_intent") if kind in _MARKERS else None,
        payload={
            "id": data["id"],
            "object": "event",
            "type": kind,
            "livemode": livemode,
            "created": int(told_at.timestamp()),
            "data": {"object": _without_secrets(subject)},
        },
    )


def _fact(kind: str, subject: Json, *, told_at: datetime) -> Fact | None:
    if kind in _SESSION_EVENTS:
        return session_fact(subject, told_at=told_at, at_least=_SESSION_EVENTS[kind])
    if kind in _REFUND_EVENTS:
        return refund_fact(subject, told_at=told_at, at_least=_REFUND_EVENTS[kind])
    if kind in _DISPUTE_EVENTS:
        return dispute_fact(subject, told_at=told_at)
    return None


def _without_secrets(subject: Json) -> dict[str, Any]:
    kept = {key: subject[key] for key in sorted(_KEPT & subject.keys())}
    inside = {
        key: {name: value.get(name) for name in names if isinstance(value.get(name), int | str)}
        for key, names in _KEPT_INSIDE.items()
        if isinstance(value := subject.get(key), Mapping)
    }
    payload = inside | {
        key: {"id": value.get("id")} if isinstance(value, Mapping) else value
        for key, value in kept.items()
        if value is None or isinstance(value, str | int | bool | Mapping)
    }
    metadata = subject.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get(REQUEST), str):
        payload["metadata"] = {REQUEST: metadata[REQUEST]}
    return payload
