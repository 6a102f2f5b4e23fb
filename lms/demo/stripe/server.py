"""Runs the stand-in on this machine only, for tests and `make run`."""

import signal
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

from lms import config
from lms.demo.stripe import api, checkout, disputes, refunds, webhooks
from lms.demo.stripe.app import KEY, LIVE_KEYS, WEBHOOK_SECRET, create_app
from lms.demo.stripe.store import ANSWERS, Body, Ledger, Store

Result = TypeVar("Result")


class Refused(RuntimeError):  # noqa: N818 - what happened, for whoever starts it
    """The stand-in does not start: it is for demos and tests on one machine."""


def serve(
    port: int,
    portal_url: str,
    data_dir: str | Path,
    key: str,
    webhook_secret: str,
    *,
    host: str = "127.0.0.1",
) -> None:
    """Run until the process is asked to end; raises Refused for what is not a demo."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with StripeStandIn(
        data_dir,
        portal_url=portal_url,
        key=key,
        webhook_secret=webhook_secret,
        host=host,
        port=port,
        refund_seconds=10,
        retry_seconds=1,
        look_every=1,
    ) as stand_in:
        print(f"DEMO payments, no real money: {stand_in.url}/operator", flush=True)  # noqa: T201
        ended.wait()


class StripeStandIn:
    """A Stripe of one's own: `with StripeStandIn(folder, portal_url=...) as stripe:`.

    The folder keeps everything, so a second one on the same folder and port is a restart. Without
    `portal_url` nothing is delivered; `signed()` then gives what would have been sent.
    """

    def __init__(
        self,
        data_dir: str | Path,
        *,
        portal_url: str | None = None,
        key: str = KEY,
        webhook_secret: str = WEBHOOK_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        refund_seconds: float | None = None,
        retry_seconds: float = 0.05,
        look_every: float = 0.05,
    ) -> None:
        _refuse(Path(data_dir), host=host, portal_url=portal_url, key=key)
        self.key = key
        self.webhook_secret = webhook_secret
        self._store = Store(Path(data_dir))
        self._server = make_server(host, port, _not_ready, threaded=True, request_handler=_Quiet)
        self.port: int = self._server.server_port
        self.url = f"http://{host}:{self.port}"
        endpoint = portal_url and webhooks.Endpoint(
            portal_url.rstrip("/") + webhooks.PATH, webhook_secret, retry_seconds
        )
        if endpoint:
            with self._store.changing() as ledger:
                webhooks.add_endpoint(ledger, endpoint.url)
        self._courier = webhooks.Courier(self._store, endpoint or None, every=look_every)
        terms = api.Terms(self.url, refund_seconds, Path(data_dir).resolve().parent)
        self._server.app = create_app(self._store, terms, key=key, changed=self._courier.wake)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._courier.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._courier.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._store.close()

    def pay(self, session: str) -> Body:
        """Pay a checkout by card; takes its id or its address."""
        return self._act(checkout.pay, _id(session))

    def enter_code(self, session: str, code: str) -> Body:
        """Enter a promotion code on the page of a checkout."""
        return self._act(checkout.apply_code, _id(session), code)

    def decline(self, session: str) -> Body:
        """Try to pay with a card that is declined; the checkout stays open."""
        return self._act(checkout.decline, _id(session))

    def pay_later(self, session: str) -> Body:
        """Order a payment that `settle` lets arrive or bounce."""
        return self._act(checkout.pay_later, _id(session), succeeds=True)

    def settle(self, session: str, *, succeeds: bool) -> Body:
        """Let a payment that was ordered arrive, or bounce."""
        intent = self._act(Ledger.one, _id(session))["payment_intent"]
        return self._act(checkout.settle, intent, succeeds=succeeds)

    def expire(self, session: str) -> Body:
        """Let the time of a checkout run out."""
        return self._act(checkout.expire, _id(session))

    def refund(self, payment_intent: str, amount: int | None = None) -> Body:
        """Refund without the portal, as someone would in Stripe's dashboard."""
        asked = {"payment_intent": payment_intent, "amount": amount}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._act(refunds.refund, given, settles_after=None)

    def settle_refund(self, refund_id: str, *, succeeds: bool) -> Body:
        """End a pending refund, or let one that had succeeded fail after all."""
        return self._act(refunds.settle, refund_id, succeeds=succeeds)

    def open_dispute(
        self,
        payment_intent: str,
        *,
        reason: str = "fraudulent",
        amount: int | None = None,
        inquiry: bool = False,
    ) -> Body:
        """Let the student's bank dispute the payment or a part of it, or only inquire."""
        return self._act(
            *(disputes.open_dispute, payment_intent), reason=reason, amount=amount, inquiry=inquiry
        )

    def escalate_dispute(self, dispute_id: str) -> Body:
        """Let an inquiry become a dispute."""
        return self._act(disputes.escalate, dispute_id)

    def submit_evidence(self, dispute_id: str) -> Body:
        """Let the bank review the school's response."""
        return self._act(disputes.submit_evidence, dispute_id)

    def close_dispute(self, dispute_id: str, *, ending: disputes.Ending) -> Body:
        """Let the bank decide."""
        return self._act(disputes.close_dispute, dispute_id, ending=ending)

    def add_endpoint(self, url: str, **settings: Any) -> Body:
        """List an endpoint as one is added in Stripe's dashboard; nothing is delivered to it."""
        return self._act(webhooks.add_endpoint, url, **settings)

    def disable_endpoint(self, identifier: str) -> Body:
        """Let Stripe disable an endpoint."""
        return self._act(webhooks.disable_endpoint, identifier)

    def pause_deliveries(self) -> None:
        """Let the webhook be down."""
        self._act(webhooks.pause)

    def resume_deliveries(self) -> None:
        """Let the webhook be up again; what waited is delivered."""
        self._act(webhooks.resume)

    def deliver_again(self, last: int = 10) -> None:
        """Deliver the newest events once more."""
        self._act(webhooks.deliver_again, last=last)

    def forget_keys(self) -> None:
        """Forget the idempotency keys, as Stripe does after a day."""
        self._act(lambda ledger: ledger.connection.execute(ANSWERS.delete()))

    def events(self, *types: str) -> list[Body]:
        """Return what happened, oldest first; only of these types, where some are given."""
        found = self._act(lambda ledger: list(ledger.every("event", newest_first=False)))
        return [event for event in found if not types or event["type"] in types]

    def signed(self, event: Body) -> tuple[str, dict[str, str]]:
        """Return body and headers with which this event is delivered."""
        return webhooks.signed(event, self.webhook_secret)

    def wait_until_delivered(self, seconds: float = 10) -> None:
        """Wait until every event is delivered; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while waiting := self._act(webhooks.undelivered):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(waiting)} undelivered; {waiting[0].last_answer}")
            time.sleep(0.02)

    def _act(self, verb: Callable[..., Result], *args: object, **kwargs: Any) -> Result:
        with self._store.changing() as ledger:
            result = verb(ledger, *args, **kwargs)
        self._courier.wake()
        return result


class _Quiet(WSGIRequestHandler):
    # A kept connection would go on talking to this stand-in after its restart.
    protocol_version = "HTTP/1.0"

    def log_request(self, *_: object) -> None:
        """Leave the terminal to the portal."""


def _not_ready(_environ: object, _start: object) -> list[bytes]:
    raise RuntimeError("the port is known before the application is")


def _refuse(folder: Path, *, host: str, portal_url: str | None, key: str) -> None:
    if config.read(str(folder.resolve().parent))["LMS_ENV"] == "production":
        raise Refused("the stand-in for Stripe does not run with LMS_ENV=production")
    if key.startswith(LIVE_KEYS) or not key.startswith("sk_test_"):
        raise Refused("the stand-in for Stripe only accepts a key that starts with sk_test_")
    for name, place in (("host", host), ("portal", urlsplit(portal_url or "//localhost").hostname)):
        if not _is_loopback(place or ""):
            raise Refused(f"the stand-in for Stripe is local only, but {name} is {place}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _id(session: str) -> str:
    return session.rstrip("/").rpartition("/")[2]
