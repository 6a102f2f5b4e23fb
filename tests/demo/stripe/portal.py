"""A tiny portal: takes events whose signature is right, and can be made to fail."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import stripe

from lms.demo.stripe.webhooks import PATH


class Portal:
    """Listens while in its `with` block."""

    secret = "whsec_of_a_test"

    def __init__(self) -> None:
        self.status = 200
        self.heard: list[dict[str, Any]] = []
        """Events that were taken."""
        self.attempts: list[str] = []
        """Ids of all events that were told, also those not taken."""
        self.refused: list[str] = []
        """What was wrong with what was told."""
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = portal._listen(self.path, body, self.headers["Stripe-Signature"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.heard]

    def _listen(self, path: str, body: bytes, signature: str) -> int:
        try:
            stripe.WebhookSignature.verify_header(body, signature, self.secret, tolerance=300)
            event = json.loads(body)
            assert path == PATH, path
        except (ValueError, AssertionError, stripe.StripeError) as error:
            self.refused.append(repr(error))
            return 400
        self.attempts.append(event["id"])
        if self.status == 200:
            self.heard.append(event)
        return self.status
