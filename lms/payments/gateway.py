"""The calls to Stripe, with plain data on our side of them.

Nothing here is called inside a database transaction: a slow answer would hold its locks.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

import stripe

from lms.db import now
from lms.ledger.facts import (
    DisputeFact,
    Fact,
    RefundFact,
    SessionFact,
    merge_disputes,
    merge_refunds,
    merge_sessions,
)
from lms.ledger.transactions import Transaction
from lms.payments.events import REPLAYED, Event, read_event
from lms.payments.objects import (
    REQUEST,
    Malformed,
    dispute_fact,
    id_of,
    refund_fact,
    session_fact,
    transaction,
)
from lms.payments.terms import Terms
from lms.refusals import PaymentsUnavailable

# Its first call would want a home, and keep a lasting id there to send along.
stripe.enable_telemetry = False
TIMEOUT_SECONDS = (3, 10)
"""To connect, to answer; the SDK itself would wait for 80."""
PAGE = 100
_SECRET = re.compile(r"\b(sk|rk|pk|whsec)_\w+")


class Busy(Exception):  # noqa: N818 - somebody else is at it
    """Another caller is making the same call right now."""


class Declined(Exception):  # noqa: N818 - Stripe's answer
    """Stripe refused the call, with a message that may be shown to an admin."""

    def __init__(self, said: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(said)
        self.code = code
        self.param = param


class AddressDeclined(Declined):
    """Stripe takes no such address of a buyer."""


class Missing(Declined):
    """Stripe has no such object: it belongs to another account or stand-in."""


@dataclass(frozen=True)
class Offer:
    """What a student is to pay, as recorded before Stripe is called."""

    reference: str
    course_id: int
    course_title: str
    user_email: str
    """Blank if Stripe is to ask the buyer for one."""
    amount_cents: int
    currency: str
    expires_at: datetime
    origin: str
    note: str = ""
    """What Stripe's page says above its button."""
    allows_promotion_codes: bool = False


@dataclass(frozen=True)
class OpenCheckout:
    """A checkout session at Stripe, and where to pay."""

    fact: SessionFact
    url: str | None


@dataclass(frozen=True)
class Endpoint:
    """Where Stripe delivers events to."""

    url: str
    events: tuple[str, ...]
    version: str | None
    """None is the account's default."""
    livemode: bool
    is_enabled: bool


class Gateway:
    """Stripe, as far as the portal needs it.

    Every call raises PaymentsUnavailable when Stripe cannot be reached or does not let us in, and
    Declined when it refuses.
    """

    def __init__(
        self,
        key: str,
        *,
        base: str | None = None,
        retries: int = 2,
        terms: Terms = Terms(),  # noqa: B008 - frozen
        http: stripe.HTTPClient | None = None,
    ) -> None:
        self.livemode = key.partition("_")[2].startswith("live")
        self._key, self._base, self._http, self._terms = key, base, http, terms
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": base} if base else {},
            max_network_retries=retries,
            http_client=http or stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        ).v1

    @cached_property
    def without_retries(self) -> "Gateway":
        """The same without retries, for callers who can continue without an answer."""
        return Gateway(self._key, base=self._base, retries=0, http=self._http, terms=self._terms)

    @property
    def makes_invoices(self) -> bool:
        """Whether the school has Stripe make an invoice of each purchase."""
        return self._terms.invoice_creation

    def create_checkout(self, offer: Offer) -> OpenCheckout:
        """Open the one checkout of this offer; asking again returns the same.

        Also raises Busy, and AddressDeclined where another offer, without the address, may do.
        """
        home = f"{offer.origin}/student"
        # Under other terms it is another call: Stripe refuses one key for two.
        key = f"checkout-{offer.reference}{self._terms.key}"
        optional = self._terms.params
        if offer.allows_promotion_codes:
            optional["allow_promotion_codes"] = True
            key += "-codes"
        price: stripe.params.checkout.SessionCreateParamsLineItemPriceData = {
            "currency": offer.currency,
            "unit_amount": offer.amount_cents,
            "product_data": {"name": offer.course_title},
        }
        if self._terms.tax_behavior is not None:
            price["tax_behavior"] = self._terms.tax_behavior
        if offer.note:
            optional["custom_text"] = {"submit": {"message": offer.note}}
        if offer.user_email:
            optional["customer_email"] = offer.user_email
        else:
            key += "-without-address"  # Stripe may keep its refusal under the other
        with _translated(reassurance=" You weren't charged."):
            session = self._client.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "client_reference_id": offer.reference,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": price,
                        }
                    ],
                    "expires_at": int(offer.expires_at.timestamp()),
                    "success_url": f"{home}/payments/return?reference={offer.reference}",
                    "cancel_url": f"{home}/courses/{offer.course_id}",
                    "payment_intent_data": {"metadata": {"reference": offer.reference}},
                    **optional,
                },
                options={"idempotency_key": key},
            )
            opened = _checkout(session)
            return replace(opened, fact=replace(opened.fact, reference=offer.reference))

    def checkout(self, session_id: str) -> OpenCheckout:
        """Return a checkout session as it is now."""
        with _translated():
            return _checkout(
                self._client.checkout.sessions.retrieve(session_id, {"expand": ["invoice"]})
            )

    def expire_checkout(self, session_id: str) -> SessionFact:
        """Close a checkout, unless it has been paid or closed; return what it is then."""
        try:
            with _translated():
                return _checkout(self._client.checkout.sessions.expire(session_id)).fact
        except Declined:  # no longer open, or not there
            return self.standing(session_id)

    def standing(self, session_id: str) -> SessionFact:
        """Return a checkout's state; a missing one can't be paid."""
        try:
            return self.checkout(session_id).fact
        except Missing:
            return SessionFact(session_id, None, "expired")

    def create_refund(
        self, payment_intent: str, *, amount: int | None, request: str, key: str
    ) -> RefundFact:
        """Request a refund; without an amount, of everything that is left. Also raises Busy."""
        params: stripe.params.RefundCreateParams = {
            "payment_intent": payment_intent,
            "reason": "requested_by_customer",
            "metadata": {REQUEST: request},
        }
        if amount is not None:
            params["amount"] = amount
        with _translated():
            refund = self._client.refunds.create(params, options={"idempotency_key": key})
            return refund_fact(refund.to_dict(), told_at=now())

    def refund_requested(self, payment_intent: str, *, request: str) -> RefundFact | None:
        """Return the refund that Stripe has made for a request, if it has made one."""
        made = self.refunds_of(payment_intent)
        return next((fact for fact in made if fact.request == request), None)

    def refunds_of(self, payment_intent: str) -> list[RefundFact]:
        """Return every refund of a payment intent."""
        pages = _pages(self._client.refunds.list, {"payment_intent": payment_intent})
        return [refund_fact(refund, told_at=now()) for page in pages for refund in page]

    def events(self, *, since: datetime) -> Iterator[list[Event]]:
        """Yield every event that reconciliation needs, a page at a time, the latest first.

        Stripe keeps events for 30 days.
        """
        asked = {"types": list(REPLAYED), "created": _between(since)}
        for page in _pages(self._client.events.list, asked):
            yield [read_event(event) for event in page]

    def sessions(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[SessionFact]]:
        """Yield the checkout sessions that were opened in a time."""
        asked: dict[str, Any] = {"created": _between(since, until)}
        if self.makes_invoices:
            asked["expand"] = ["data.invoice"]
        for page in _pages(self._client.checkout.sessions.list, asked):
            yield [session_fact(session, told_at=now()) for session in page]

    def refunds(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[RefundFact]]:
        """Yield the refunds that were made in a time."""
        for page in _pages(self._client.refunds.list, {"created": _between(since, until)}):
            yield [refund_fact(refund, told_at=now()) for refund in page]

    def completed(self, fact: Fact) -> Fact:
        """Return a fact with its missing values fetched from Stripe where possible."""
        with suppress(Busy, PaymentsUnavailable):
            if not fact.is_whole or self._may_have_invoice(fact):
                fact = self._asked_again(fact)
            if not isinstance(fact, SessionFact) and fact.charge and not fact.payment_intent:
                fact = replace(fact, payment_intent=self._intent_of(fact.charge))
        return fact

    def refund(self, refund_id: str) -> RefundFact:
        """Return a refund as it is now."""
        with _translated():
            return refund_fact(self._client.refunds.retrieve(refund_id).to_dict(), told_at=now())

    def disputes(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[list[DisputeFact]]:
        """Yield the disputes that were opened in a time."""
        for page in _pages(self._client.disputes.list, {"created": _between(since, until)}):
            yield [dispute_fact(dispute, told_at=now()) for dispute in page]

    def dispute(self, dispute_id: str) -> DisputeFact:
        """Return a dispute as it is now."""
        with _translated():
            dispute = self._client.disputes.retrieve(dispute_id)
            return dispute_fact(dispute.to_dict(), told_at=now())

    def transactions(
        self, *, since: datetime, until: datetime | None = None
    ) -> Iterator[Sequence[Transaction]]:
        """Yield the balance transactions of a period, a page at a time, latest first."""
        asked = {"created": _between(since, until), "expand": ["data.source"]}
        for page in _pages(self._client.balance_transactions.list, asked):
            yield [transaction(each) for each in page]

    def endpoints(self) -> list[Endpoint]:
        """Return where Stripe delivers events to, with all that this key's mode has."""
        with _translated():
            return [
                Endpoint(
                    url=each["url"],
                    events=tuple(each["enabled_events"]),
                    version=each.get("api_version"),
                    livemode=each["livemode"],
                    is_enabled=each["status"] == "enabled",
                )
                for page in _pages(self._client.webhook_endpoints.list, {})
                for each in page
            ]

    def _may_have_invoice(self, fact: Fact) -> bool:
        """Stripe makes an invoice once the money is there, maybe after it has told of that."""
        return (
            self.makes_invoices
            and isinstance(fact, SessionFact)
            and (fact.state, fact.invoice) == ("paid", None)
        )

    def _asked_again(self, fact: Fact) -> Fact:
        with suppress(Declined):
            match fact:
                case SessionFact():
                    return merge_sessions(fact, self.checkout(fact.id).fact)
                case RefundFact():
                    return merge_refunds(fact, self.refund(fact.id))
                case DisputeFact():
                    return merge_disputes(fact, self.dispute(fact.id))
        return fact

    def _intent_of(self, charge: str) -> str | None:
        with suppress(Declined), _translated():
            return id_of(self._client.charges.retrieve(charge).to_dict(), "payment_intent")
        return None


def connect(settings: Mapping[str, Any]) -> Gateway | None:
    """Return Stripe as configured, or None without a key."""
    key = settings["STRIPE_SECRET_KEY"]
    return _gateway(key, settings["STRIPE_API_BASE"], Terms.of(settings)) if key else None


@lru_cache(maxsize=8)
def _gateway(key: str, base: str | None, terms: Terms) -> Gateway:
    return Gateway(key, base=base, terms=terms)


def _pages(listing: Callable[..., Any], asked: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield what Stripe lists, a page at a time: a year's payments don't fit into memory."""
    asked = {"limit": PAGE, **asked}
    has_more = True
    while has_more:
        with _translated():
            page = listing(asked)
            found = [each.to_dict() for each in page.data]
            has_more = bool(found) and page.has_more
        if found:
            yield found
            asked["starting_after"] = found[-1]["id"]


def _between(since: datetime, until: datetime | None = None) -> dict[str, int]:
    bounds = {"gte": int(since.timestamp())}
    return bounds if until is None else {**bounds, "lte": int(until.timestamp()) + 1}


def _checkout(session: stripe.checkout.Session) -> OpenCheckout:
    data = session.to_dict()
    return OpenCheckout(session_fact(data, told_at=now()), data.get("url"))


@contextmanager
def _translated(reassurance: str = "") -> Iterator[None]:
    """Turn the SDK's errors into ours; their own texts can hold parts of the key."""
    try:
        yield
    except stripe.StripeError as error:
        if error.http_status == 409:
            raise Busy from None
        if error.code == "resource_missing" or error.http_status == 404:
            raise Missing("Stripe doesn't know this object.") from None
        if isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError):
            if error.code == "email_invalid" or getattr(error, "param", "") == "customer_email":
                raise AddressDeclined("Stripe doesn't accept this address.") from None
            said = _SECRET.sub("...", error.user_message or "")
            raise Declined(
                said or "Stripe refused.", code=error.code, param=getattr(error, "param", None)
            ) from None
        raise PaymentsUnavailable(
            f"The payment service can't be reached right now.{reassurance}"
            " Try again in a few minutes."
        ) from None
    except (Malformed, AttributeError, KeyError, TypeError) as error:  # the SDK expects its forms
        raise PaymentsUnavailable(
            "The payment service sent an unreadable answer. Try again later."
        ) from error
