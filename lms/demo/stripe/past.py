"""A stand-in without a server, in which the demo school's past happens: at `lms.db.at`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self

import stripe
from flask.testing import FlaskClient

from lms.db import now
from lms.demo.stripe import api, webhooks
from lms.demo.stripe.app import KEY, create_app
from lms.demo.stripe.store import DELIVERIES, Body, Ledger, Store

ORIGIN = "http://127.0.0.1:8001"

P = ParamSpec("P")


class Past:
    """A stand-in of its own in an empty folder, until `become` hands it to the one that will run.

    So one that runs already has no part in it, and what ends early has never happened.
    """

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder)
        terms = api.Terms(ORIGIN, refund_seconds=None)
        self.http = _Within(
            create_app(self._store, terms, key=KEY, changed=lambda: None).test_client()
        )
        """How the SDK calls it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def let(
        self, verb: Callable[Concatenate[Ledger, P], Body], *args: P.args, **kw: P.kwargs
    ) -> Body:
        """Run an action at the stand-in, such as a payment."""
        with self._store.changing() as ledger:
            return verb(ledger, *args, **kw)

    def news(self) -> list[Body]:
        """Return the undelivered events, and mark them as delivered."""
        with self._store.changing() as ledger:
            rows = webhooks.undelivered(ledger)
            events = [ledger.one(row.event_id) for row in rows]
            for event in events:
                ledger.change(event, pending_webhooks=0)
            ledger.connection.execute(
                DELIVERIES.update()
                .where(DELIVERIES.c.number.in_([row.number for row in rows]))
                .values(attempts=1, last_answer="200", delivered_at=now().timestamp())
            )
        return events

    def become(self, folder: Path) -> None:
        """Have it happened in the stand-in that has its file there."""
        store = Store(folder)
        store.take_over(self._store)
        store.close()


class _Within(stripe.HTTPClient):
    """Calls an application without a socket, in the caller's context: that has the moment."""

    name = "within this process"

    def __init__(self, client: FlaskClient) -> None:
        super().__init__()
        self._client = client

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Return body, status and headers of the answer."""
        path = url.removeprefix(ORIGIN)
        answer = self._client.open(
            path, base_url=ORIGIN, method=method, headers=dict(headers or {}), data=post_data
        )
        return answer.text, answer.status_code, dict(answer.headers)
