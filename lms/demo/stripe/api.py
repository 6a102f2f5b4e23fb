"""Stripe's API, as far as the portal calls it: paths, parameters, answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from stripe import params

from lms.demo.stripe import checkout, refunds
from lms.demo.stripe.errors import InvalidParams, missing
from lms.demo.stripe.store import Body, Ledger


@dataclass(frozen=True)
class Resource:
    """What can be listed and retrieved under a path."""

    kind: str
    path: str
    param: str
    listing: Any
    retrieving: Any


RESOURCES = (
    Resource(
        "checkout.session",
        "/v1/checkout/sessions",
        "session",
        params.checkout.SessionListParams,
        params.checkout.SessionRetrieveParams,
    ),
    Resource(
        "payment_intent",
        "/v1/payment_intents",
        "intent",
        params.PaymentIntentListParams,
        params.PaymentIntentRetrieveParams,
    ),
    Resource(
        "charge",
        "/v1/charges",
        "charge",
        params.ChargeListParams,
        params.ChargeRetrieveParams,
    ),
    Resource(
        "refund",
        "/v1/refunds",
        "refund",
        params.RefundListParams,
        params.RefundRetrieveParams,
    ),
    Resource(
        "dispute",
        "/v1/disputes",
        "dispute",
        params.DisputeListParams,
        params.DisputeRetrieveParams,
    ),
    Resource(
        "balance_transaction",
        "/v1/balance_transactions",
        "id",
        params.BalanceTransactionListParams,
        params.BalanceTransactionRetrieveParams,
    ),
    Resource(
        "invoice",
        "/v1/invoices",
        "invoice",
        params.InvoiceListParams,
        params.InvoiceRetrieveParams,
    ),
    Resource(
        "webhook_endpoint",
        "/v1/webhook_endpoints",
        "webhook_endpoint",
        params.WebhookEndpointListParams,
        params.WebhookEndpointRetrieveParams,
    ),
    Resource("event", "/v1/events", "id", params.EventListParams, params.EventRetrieveParams),
)


@dataclass(frozen=True)
class Terms:
    """How this stand-in is set up."""

    origin: str
    refund_seconds: float | None
    portal_folder: Path = Path("instance")
    """Where the portal keeps copies of the e-mails that it would have sent."""


@dataclass(frozen=True)
class Action:
    """What a POST does."""

    shape: Any
    run: Callable[[Ledger, Body, str, Terms], Body]


ACTIONS: dict[str, Action] = {
    "/v1/checkout/sessions": Action(
        params.checkout.SessionCreateParams,
        lambda ledger, asked, _, terms: checkout.open_session(ledger, asked, origin=terms.origin),
    ),
    "/v1/checkout/sessions/<identifier>/expire": Action(
        params.checkout.SessionExpireParams,
        lambda ledger, _asked, identifier, _terms: checkout.expire(ledger, identifier),
    ),
    "/v1/refunds": Action(
        params.RefundCreateParams,
        lambda ledger, asked, _, terms: refunds.refund(
            ledger, asked, settles_after=terms.refund_seconds
        ),
    ),
}

_PAGING = frozenset(("limit", "starting_after", "ending_before", "expand", "created"))
_NOT_OFFERED = frozenset(("delivery_success",))
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def retrieve(ledger: Ledger, resource: Resource, identifier: str) -> Body:
    """Return one object."""
    found = ledger.find(identifier, resource.kind)
    if found is None:
        raise missing(resource.kind, identifier, param=resource.param)
    return found


def listing(ledger: Ledger, resource: Resource, asked: Body) -> Body:
    """Return one page of a list, newest first."""
    limit = asked.get("limit", 10)
    if not 1 <= limit <= 100:
        edge = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        message = f"This value must be {edge} (it currently is '{limit}')."
        raise InvalidParams(message, code="parameter_invalid_integer", param="limit")
    backwards = "ending_before" in asked
    found = ledger.every(
        resource.kind, newest_first=not backwards, beyond=_cursor(ledger, resource, asked)
    )
    matching = _matching(found, asked)
    page = list(islice(matching, limit + 1))
    matching.close()
    shown = page[:limit][::-1] if backwards else page[:limit]
    return {"object": "list", "data": shown, "has_more": len(page) > limit, "url": resource.path}


def expand(ledger: Ledger, body: Body, paths: Iterable[str]) -> None:
    """Put objects where an answer only has their ids."""
    for path in paths:
        name, _, rest = path.partition(".")
        if name == "data" and body.get("object") == "list":
            for item in body["data"]:
                expand(ledger, item, [rest])
            continue
        inner = _expanded(ledger, body, name)
        if inner is not None:
            body[name] = inner
            if rest:
                expand(ledger, inner, [rest])


def _expanded(ledger: Ledger, body: Body, name: str) -> Body | None:
    if (body["object"], name) == ("checkout.session", "line_items"):
        return checkout.line_items(ledger, body)
    if (body["object"], name) == ("charge", "refunds"):
        made = [refund for refund in ledger.every("refund") if refund["charge"] == body["id"]]
        url = f"/v1/charges/{body['id']}/refunds"
        return {"object": "list", "data": made, "has_more": False, "url": url}
    value = body.get(name)
    if name not in body or not (value is None or isinstance(value, dict | str)):
        raise InvalidParams(f"This property cannot be expanded ({name}).", param="expand")
    if isinstance(value, str):
        found = ledger.find(value)
        if found is None:
            raise InvalidParams(f"This property cannot be expanded ({name}).", param="expand")
        return found
    return value


def _cursor(ledger: Ledger, resource: Resource, asked: Body) -> str | None:
    for param in ("starting_after", "ending_before"):
        if param in asked:
            cursor: str = asked[param]
            if ledger.find(cursor, resource.kind) is None:
                raise missing(resource.kind, cursor, param=param, status=400)
            return cursor
    return None


def _matching(found: Iterable[Body], asked: Body) -> Any:
    for name in sorted(_NOT_OFFERED & asked.keys()):
        raise InvalidParams(f"Stripe supports {name}, but this stand-in doesn't.", param=name)
    types = asked.get("types") or ([asked["type"]] if "type" in asked else None)
    if types is not None and ("type" in asked) == ("types" in asked):
        raise InvalidParams("You may pass either type or types, but not both.", param="type")
    if types is not None and len(types) > 20:
        raise InvalidParams("An array of up to 20 strings is allowed.", param="types")
    wanted = {k: v for k, v in asked.items() if k not in _PAGING | {"type", "types"}}
    created = asked.get("created", {})
    bounds = {"gte": created, "lte": created} if isinstance(created, int) else created
    return (
        body
        for body in found
        if all(_COMPARISONS[name](body["created"], bound) for name, bound in bounds.items())
        and (types is None or any(fnmatchcase(body["type"], kind) for kind in types))
        and _contains(body, wanted)
    )


def _contains(body: Any, wanted: Body) -> bool:
    return isinstance(body, dict) and all(
        _contains(body.get(name), value) if isinstance(value, dict) else body.get(name) == value
        for name, value in wanted.items()
    )
