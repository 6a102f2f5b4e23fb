"""Webhooks to the portal: signed, in order, retried until it answers 2xx."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import requests
import stripe
from sqlalchemy import Row, select

from lms.demo.stripe import objects
from lms.demo.stripe.clock import run_due
from lms.demo.stripe.store import DELIVERIES, SWITCHES, Body, Ledger, Store

PATH = "/api/payments/webhook"
_PAUSED = "deliveries are paused"
_PATIENCE = 8
"""After so many failures an event lets those behind it pass."""
_LONGEST_PAUSE = 60.0
_TIMEOUT_SECONDS = (3, 10)


@dataclass(frozen=True)
class Endpoint:
    """Where the portal listens."""

    url: str
    secret: str
    first_pause: float
    """Seconds after the first failure; each next pause is twice as long, up to a minute."""


def signed(event: Body, secret: str) -> tuple[str, dict[str, str]]:
    """Return body and headers of one delivery."""
    payload = json.dumps(event, indent=2, ensure_ascii=False)
    signature = stripe.WebhookSignature.generate_signature_header(payload, secret)
    return payload, {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature,
        "User-Agent": "Stripe/1.0 (stand-in)",
    }


def add_endpoint(
    ledger: Ledger,
    url: str,
    *,
    events: Sequence[str] = ("*",),
    version: str | None = stripe.api_version,
) -> Body:
    """List where events are delivered to, in place of what was listed for the address."""
    for known in ledger.every("webhook_endpoint"):
        if known["url"] == url:
            ledger.change(known, enabled_events=list(events), api_version=version, status="enabled")
            return known
    return ledger.add(objects.webhook_endpoint(url, events=events, version=version))


def disable_endpoint(ledger: Ledger, identifier: str) -> Body:
    """Have it listed as disabled, as Stripe does where nobody answers for days."""
    endpoint = ledger.one(identifier)
    ledger.change(endpoint, status="disabled")
    return endpoint


def undelivered(ledger: Ledger) -> list[Row[tuple[object, ...]]]:
    """Return what the portal has not heard yet, in the order in which it happened."""
    query = DELIVERIES.select().where(DELIVERIES.c.delivered_at.is_(None))
    return list(ledger.connection.execute(query.order_by(DELIVERIES.c.number)))


def deliver_again(ledger: Ledger, *, last: int) -> None:
    """Deliver the newest events again, in order."""
    newest = [event["id"] for event, _ in zip(ledger.every("event"), range(last), strict=False)]
    for identifier in reversed(newest):
        ledger.connection.execute(
            DELIVERIES.insert().values(event_id=identifier, attempts=0, next_at=time.time())
        )


def pause(ledger: Ledger) -> None:
    """Pause deliveries, as if the portal were unreachable; nothing is lost."""
    if not is_paused(ledger):
        ledger.connection.execute(SWITCHES.insert().values(name=_PAUSED))


def resume(ledger: Ledger) -> None:
    """Resume deliveries, retrying failed ones at once."""
    ledger.connection.execute(SWITCHES.delete().where(SWITCHES.c.name == _PAUSED))
    waiting = DELIVERIES.c.delivered_at.is_(None)
    ledger.connection.execute(DELIVERIES.update().where(waiting).values(next_at=time.time()))


def is_paused(ledger: Ledger) -> bool:
    """Return whether deliveries are paused."""
    query = select(SWITCHES.c.name).where(SWITCHES.c.name == _PAUSED)
    return ledger.connection.execute(query).first() is not None


class Courier(threading.Thread):
    """Delivers in the background, and lets happen what is due."""

    def __init__(self, store: Store, endpoint: Endpoint | None, *, every: float) -> None:
        super().__init__(name="stripe stand-in: deliveries", daemon=True)
        self._store = store
        self._endpoint = endpoint
        self._every = every
        self._wake = threading.Event()
        self._stopped = False

    def wake(self) -> None:
        """Check at once for events to deliver."""
        self._wake.set()

    def stop(self) -> None:
        """End after the delivery that is on its way."""
        self._stopped = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Work until stopped."""
        with requests.Session() as http:
            http.trust_env = False  # no proxy stands between this machine and itself
            while not self._stopped:
                self._wake.clear()
                with self._store.changing() as ledger:
                    run_due(ledger)
                    head = None if self._endpoint is None else _next(ledger)
                if head is None or self._endpoint is None:
                    self._wake.wait(self._every)
                    continue
                self._deliver(http, self._endpoint, *head)

    def _deliver(
        self, http: requests.Session, endpoint: Endpoint, number: int, event: Body
    ) -> None:
        body, headers = signed(event, endpoint.secret)
        try:
            answer = http.post(
                endpoint.url,
                data=body.encode(),
                headers=headers,
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            heard, said = 200 <= answer.status_code < 300, str(answer.status_code)
        except requests.RequestException as error:
            heard, said = False, type(error).__name__
        with self._store.changing() as ledger:
            _record(ledger, endpoint, number, heard=heard, said=said)


def _next(ledger: Ledger) -> tuple[int, Body] | None:
    if is_paused(ledger):
        return None
    for row in undelivered(ledger):
        if row.next_at <= time.time():
            return row.number, ledger.one(row.event_id)
        if row.attempts < _PATIENCE:
            return None  # those behind it wait their turn
    return None


def _record(ledger: Ledger, endpoint: Endpoint, number: int, *, heard: bool, said: str) -> None:
    mine = DELIVERIES.c.number == number
    row = ledger.connection.execute(DELIVERIES.select().where(mine)).one()
    pause_seconds = min(endpoint.first_pause * 2**row.attempts, _LONGEST_PAUSE)
    outcome = {"delivered_at": time.time()} if heard else {"next_at": time.time() + pause_seconds}
    ledger.connection.execute(
        DELIVERIES.update()
        .where(mine)
        .values(attempts=row.attempts + 1, last_answer=said, **outcome)
    )
    if heard:
        ledger.change(ledger.one(row.event_id), pending_webhooks=0)
