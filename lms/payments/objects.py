"""Reads Stripe's objects, from events and answers, into facts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lms.db import now
from lms.ledger.facts import REFUND_ORDER, SESSION_ORDER, DisputeFact, RefundFact, SessionFact
from lms.ledger.transactions import Transaction
from lms.models.payments import LONGEST_TAX_ID, NOT_DISPUTED, RefundStatus, SessionState

Json = Mapping[str, Any]
_LONGEST_LINK = 2000
REQUEST = "refund_request"
"""Under which name a refund at Stripe has the key of our request among its metadata."""


class Malformed(ValueError):  # noqa: N818 - an answer to the sender, not a fault of ours
    """What claims to come from Stripe doesn't have Stripe's format."""


def session_fact(data: Json, *, told_at: datetime, at_least: SessionState = "open") -> SessionFact:
    """Read a checkout session; `at_least` is the least state that its event implies."""
    state = max(_session_state(data), at_least, key=SESSION_ORDER.index)
    details, seen = _inside(data, "total_details"), _inside(data, "presentment_details")
    invoice = _inside(data, "invoice")  # whole where it was asked for, else its id
    return SessionFact(
        id=text(data, "id"),
        reference=_optional_text(data, "client_reference_id"),
        state=state,
        payment_intent=id_of(data, "payment_intent"),
        amount_total=_optional_number(data, "amount_total"),
        currency=_currency(data) or None,
        paid_at=told_at if state == "paid" else None,
        amount_subtotal=_optional_number(data, "amount_subtotal"),
        amount_discount=_optional_number(details, "amount_discount"),
        amount_tax=_optional_number(details, "amount_tax"),
        presentment_amount=_optional_number(seen, "presentment_amount"),
        presentment_currency=_currency(seen, "presentment_currency") or None,
        invoice=id_of(data, "invoice"),
        invoice_number=_optional_text(invoice, "number"),
        invoice_url=_link(invoice, "hosted_invoice_url"),
        tax_id=_tax_id(data),
    )


def refund_fact(data: Json, *, told_at: datetime, at_least: RefundStatus = "pending") -> RefundFact:
    """Read a refund; a status that this release does not know has refunded nothing yet."""
    status = _optional_text(data, "status")
    known = max(status if status in REFUND_ORDER else "pending", at_least, key=REFUND_ORDER.index)
    return RefundFact(
        id=text(data, "id"),
        payment_intent=_intent_of(data),
        amount=_optional_number(data, "amount") or 0,
        currency=_currency(data),
        status=known,
        created_at=time(data, "created"),
        charge=id_of(data, "charge"),
        succeeded_at=told_at if known == "succeeded" else None,
        failed_at=told_at if known == "failed" else None,
        request=_request_of(data),
    )


def dispute_fact(data: Json, *, told_at: datetime) -> DisputeFact:
    """Read a dispute."""
    status = text(data, "status", longest=32)
    return DisputeFact(
        id=text(data, "id"),
        payment_intent=_intent_of(data),
        amount=_optional_number(data, "amount") or 0,
        currency=_currency(data),
        status=status,
        reason=(_optional_text(data, "reason") or "")[:64],
        told_at=told_at,
        created_at=time(data, "created"),
        charge=id_of(data, "charge"),
        disputed_at=None if status in NOT_DISPUTED else told_at,
        won_at=told_at if status == "won" else None,
        lost_at=told_at if status == "lost" else None,
    )


def transaction(data: Json) -> Transaction:
    """Read a balance transaction, whose source is given whole."""
    source = data.get("source")
    source = source if isinstance(source, Mapping) else {"id": source or ""}
    metadata = source.get("metadata")
    reference = metadata.get("reference") if isinstance(metadata, Mapping) else None
    return Transaction(
        id=text(data, "id"),
        category=text(data, "reporting_category", longest=64),
        source=str(source.get("id") or "")[:255],
        payment_intent=_intent_of(source),
        reference=reference if isinstance(reference, str) and reference else None,
        # Below 0 where money leaves the account itself, such as by a card of Stripe Issuing.
        charged=None if source.get("amount") is None else _signed(source, "amount"),
        charged_currency=_currency(source) or None,
        amount=_signed(data, "amount"),
        fee=_signed(data, "fee"),
        currency=_currency(data),
        created_at=time(data, "created"),
    )


def text(data: Json, key: str, *, longest: int = 255) -> str:
    """Return a text that must be there."""
    value = data.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not value.isprintable():
        raise Malformed(f"{key} must be text of 1 to {longest} characters")
    return value


def id_of(data: Json, key: str) -> str | None:
    """Return the id of something that Stripe gives as an id or as the whole object."""
    value = data.get(key)
    if isinstance(value, Mapping):
        return text(value, "id")
    return _optional_text(data, key)


def time(data: Json, key: str) -> datetime:
    """Return a time that Stripe gives in seconds; where it gives none, the present."""
    seconds = data.get(key)
    if seconds is None:
        return now()
    try:
        if isinstance(seconds, float):
            seconds = int(seconds)
        return datetime.fromtimestamp(_whole(seconds, key), UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(f"{key} is not a time") from None


def _session_state(data: Json) -> SessionState:
    if data.get("payment_status") in {"paid", "no_payment_required"}:
        return "paid"
    match data.get("status"):
        case "complete":
            return "processing"
        case "expired":
            return "expired"
        case _:
            return "open"


def _optional_text(data: Json, key: str) -> str | None:
    return None if data.get(key) in {None, ""} else text(data, key)


def _intent_of(data: Json) -> str | None:
    charge = data.get("charge")
    inside = id_of(charge, "payment_intent") if isinstance(charge, Mapping) else None
    return id_of(data, "payment_intent") or inside


def _request_of(data: Json) -> str | None:
    """Return the key of our request; whatever else somebody has noted under its name is not one."""
    metadata = data.get("metadata")
    key = metadata.get(REQUEST) if isinstance(metadata, Mapping) else None
    return key if isinstance(key, str) and 1 <= len(key) <= 255 and key.isprintable() else None


def _whole(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise Malformed(f"{key} must be a whole number, not negative")
    return value


def _signed(data: Json, key: str) -> int:
    value = data.get(key)
    return -_whole(-value, key) if isinstance(value, int) and value < 0 else _whole(value, key)


def _optional_number(data: Json, key: str) -> int | None:
    value = data.get(key)
    return None if value is None else _whole(value, key)


def _currency(data: Json, key: str = "currency") -> str:
    if data.get(key) is None:
        return ""
    return text(data, key, longest=3).lower()


def _inside(data: Json, key: str) -> Json:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _link(data: Json, key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    link = text(data, key, longest=_LONGEST_LINK)
    if not link.startswith(("https://", "http://")):
        raise Malformed(f"{key} must be a web address")
    return link


def _tax_id(data: Json) -> str | None:
    """Return the first tax id that the buyer has entered."""
    given = _inside(data, "customer_details").get("tax_ids")
    for each in given if isinstance(given, list) else []:
        if isinstance(each, Mapping) and each.get("value"):
            return text(each, "value", longest=LONGEST_TAX_ID)
    return None
