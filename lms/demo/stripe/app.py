"""The stand-in as a WSGI application: the API and the pages."""

import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any

import stripe
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from lms.demo.stripe import api, objects, pages
from lms.demo.stripe.errors import ApiError, InvalidParams
from lms.demo.stripe.form import nested
from lms.demo.stripe.shapes import Mismatch, check, read_params
from lms.demo.stripe.store import ANSWERS, Body, Ledger, Store

KEY = "sk_test_of_the_stand_in"
WEBHOOK_SECRET = "whsec_of_the_stand_in"  # noqa: S105 - opens nothing
LIVE_KEYS = ("sk_live_", "rk_live_")
_MAX_BODY = 200_000
_LONGEST_KEY = 255


def create_app(store: Store, terms: api.Terms, *, key: str, changed: Callable[[], None]) -> Flask:
    """Assemble the stand-in; `changed` is called after any call that may have created an event."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    app.register_error_handler(Exception, _fail)
    door = _Door(store, terms, key)
    for resource in api.RESOURCES:
        _add_resource(app, door, resource)
    for path, action in api.ACTIONS.items():
        _add_action(app, door, path, action)
    pages.register(app, store, terms)

    @app.after_request
    def wake(response: Response) -> Response:
        if request.method == "POST":
            changed()
        return response

    return app


class _Door:
    """Authentication and idempotency."""

    def __init__(self, store: Store, terms: api.Terms, key: str) -> None:
        self._store = store
        self._terms = terms
        self._key = key

    def read(self, shape: Any, query: Callable[[Ledger, Body], Body]) -> Response:
        request_id = self._enter()
        asked = _params(request.args.items(multi=True), shape)
        with self._store.changing() as ledger:
            return _answer(_finished(ledger, query(ledger, asked), asked), request_id)

    def act(self, action: api.Action, identifier: str) -> Response:
        """Do it once per idempotency key; the same question gets the same answer, for good.

        Wrong parameters are not remembered, so that the same key works once they are right.
        """
        request_id = self._enter()
        key = request.headers.get("Idempotency-Key")
        if key is not None and len(key) > _LONGEST_KEY:
            raise InvalidParams("Idempotency keys have at most 255 characters.")
        pairs = sorted(request.form.items(multi=True))
        asked_for = hashlib.sha256(json.dumps([request.path, pairs]).encode()).hexdigest()
        with self._store.changing(request_id=request_id, key=key) as ledger:
            if key is not None and (earlier := _earlier(ledger, key, asked_for)):
                return earlier
            asked = _params(request.form.items(multi=True), action.shape)
            status, body = self._run(ledger, action, identifier, asked)
            if key is not None:
                ledger.connection.execute(
                    ANSWERS.insert().values(
                        key=key, asked=asked_for, status=status, body=body, request_id=request_id
                    )
                )
        return _answer(body, request_id, status=status)

    def _run(
        self, ledger: Ledger, action: api.Action, identifier: str, asked: Body
    ) -> tuple[int, Body]:
        try:
            with ledger.connection.begin_nested():
                body = action.run(ledger, asked, identifier, self._terms)
        except InvalidParams:
            raise
        except ApiError as refusal:
            return refusal.status, refusal.body
        return 200, _finished(ledger, body, asked)

    def _enter(self) -> str:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if given.startswith(LIVE_KEYS):
            print("REFUSED: a live Stripe key was sent to the demo.", file=sys.stderr)  # noqa: T201
            raise _unauthorized(
                "This is a stand-in for demos and tests: it takes no live key. "
                "Treat the key as exposed on this machine, and roll it if that matters."
            )
        if scheme != "Bearer" or not given:
            raise _unauthorized("You did not provide an API key. Use Authorization: Bearer.")
        if given != self._key:
            raise _unauthorized(f"Invalid API Key provided: {given[:8]}***")
        version = request.headers.get("Stripe-Version", stripe.api_version)
        if version != stripe.api_version:
            raise InvalidParams(
                f"Invalid Stripe API version: {version}. "
                f"This stand-in uses {stripe.api_version}, like the pinned SDK."
            )
        return objects.new_id("req")


def _add_resource(app: Flask, door: _Door, resource: api.Resource) -> None:
    def listed() -> Response:
        return door.read(
            resource.listing, lambda ledger, asked: api.listing(ledger, resource, asked)
        )

    def retrieved(identifier: str) -> Response:
        return door.read(
            resource.retrieving, lambda ledger, _: api.retrieve(ledger, resource, identifier)
        )

    app.add_url_rule(resource.path, f"list {resource.kind}", listed)
    app.add_url_rule(f"{resource.path}/<identifier>", f"retrieve {resource.kind}", retrieved)


def _add_action(app: Flask, door: _Door, path: str, action: api.Action) -> None:
    def acted(identifier: str = "") -> Response:
        return door.act(action, identifier)

    app.add_url_rule(path, f"POST {path}", acted, methods=["POST"])


def _params(pairs: Any, shape: Any) -> Body:
    try:
        return read_params(nested(pairs), shape)
    except Mismatch as finding:
        raise InvalidParams.of(finding) from None


def _finished(ledger: Ledger, body: Body, asked: Body) -> Body:
    api.expand(ledger, body, asked.get("expand", []))
    check(body)
    return body


def _earlier(ledger: Ledger, key: str, asked_for: str) -> Response | None:
    row = ledger.connection.execute(ANSWERS.select().where(ANSWERS.c.key == key)).first()
    if row is None:
        return None
    if row.asked != asked_for:
        raise ApiError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            kind="idempotency_error",
        )
    response = _answer(row.body, row.request_id, status=row.status)
    response.headers["Idempotent-Replayed"] = "true"
    response.headers["Original-Request"] = row.request_id
    return response


def _answer(body: Body, request_id: str, *, status: int = 200) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = stripe.api_version
    return response


def _unauthorized(message: str) -> ApiError:
    return ApiError(message, status=401)


def _fail(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.response is not None:
        return error.response  # type: ignore[return-value]  # made by Flask
    if isinstance(error, ApiError):
        refusal = error
    elif isinstance(error, HTTPException):
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        refusal = ApiError(message, status=error.code or 500)
    else:
        # An error in our own object: the stand-in would have answered what Stripe never answers.
        print(f"stand-in for Stripe: {error!r}", file=sys.stderr)  # noqa: T201
        refusal = ApiError(f"{type(error).__name__}: {error}", status=500, kind="api_error")
    if request.path.startswith("/v1/"):
        return _answer(refusal.body, objects.new_id("req"), status=refusal.status)
    return pages.refused(refusal)
