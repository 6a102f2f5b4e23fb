"""The stand-in's pages: for the customer, and for the operator, who acts as Stripe and the bank."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from lms.demo.stripe import checkout, disputes, refunds, webhooks
from lms.demo.stripe.api import Terms
from lms.demo.stripe.errors import ApiError, InvalidParams, missing
from lms.demo.stripe.parts import CODES
from lms.demo.stripe.store import Body, Ledger, Store
from lms.messages.copies import copies
from lms.money import money
from lms.texts import counted

_SETTLE_SECONDS = 10
_SHOWN = 50


def register(app: Flask, store: Store, terms: Terms) -> None:
    """Add the pages, and the headers that keep them to themselves."""
    app.jinja_env.filters.update(money=money, counted=counted)
    app.register_blueprint(_customer_pages(store))
    app.register_blueprint(_documents(store))
    app.register_blueprint(_operator_pages(store, terms))
    own = urlsplit(terms.origin).netloc

    @app.before_request
    def stay_here() -> None:
        # Nobody signs in here, so no other site may send a browser here to press a button.
        if urlsplit(request.host_url).netloc != own:
            raise ApiError(f"This is {own}, not {request.host}.", status=403)
        elsewhere = request.headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}
        if elsewhere and request.method == "POST":
            raise ApiError("Requests from other sites are not allowed.", status=403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _policy([]))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def refused(refusal: ApiError) -> Response:
    """Say on a page why something was not done."""
    return make_response(render_template("refused.html", message=refusal.message), refusal.status)


def _customer_pages(store: Store) -> Blueprint:
    pages = Blueprint("customer", __name__)

    @pages.get("/pay/<session_id>")
    def pay(session_id: str) -> Response:
        with store.changing() as ledger:
            return _pay_page(ledger, session_id)

    @pages.post("/pay/<session_id>")
    def paid(session_id: str) -> AnyResponse:
        if request.form.get("action") == "code":
            with store.changing() as ledger:
                return _code_page(ledger, session_id, request.form.get("code", ""))
        action = _CUSTOMER.get(request.form.get("action", ""))
        if action is None:
            raise ApiError("Choose how to pay.", status=422)
        with store.changing() as ledger:
            _session(ledger, session_id)
            session = action(ledger, session_id)
            if session["status"] == "open":
                return _pay_page(ledger, session_id, declined=True)
        target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
        return _policed(redirect(target, 303), session)

    return pages


def _documents(store: Store) -> Blueprint:
    pages = Blueprint("documents", __name__)

    @pages.get("/receipts/<charge_id>")
    def receipt(charge_id: str) -> str:
        with store.changing() as ledger:
            charge = ledger.find(charge_id, "charge")
            if charge is None or not charge["paid"]:
                raise missing("charge", charge_id, param="charge")
            session = checkout.session_of(ledger, charge["payment_intent"])
            lines = ledger.private(session["id"])["line_items"]
        return render_template("receipt.html", charge=charge, lines=lines)

    @pages.get("/invoices/<invoice_id>")
    def invoice(invoice_id: str) -> str:
        with store.changing() as ledger:
            found = ledger.find(invoice_id, "invoice")
        if found is None:
            raise missing("invoice", invoice_id, param="invoice")
        return render_template("invoice.html", invoice=found)

    return pages


def _operator_pages(store: Store, terms: Terms) -> Blueprint:
    pages = Blueprint("operator", __name__)

    @pages.get("/")
    def home() -> AnyResponse:
        return redirect("/operator", 303)

    @pages.get("/operator")
    def operator() -> str:
        with store.changing() as ledger:
            return render_template(
                "operator.html",
                payments=list(_payments(ledger)),
                waiting=webhooks.undelivered(ledger),
                paused=webhooks.is_paused(ledger),
                emails=[_linked(each) for each in copies(terms.portal_folder)],
            )

    @pages.post("/operator")
    def operate() -> AnyResponse:
        name = request.form.get("action", "")
        if name not in _OPERATOR:
            raise ApiError("Choose what to do.", status=422)
        with store.changing() as ledger:
            _OPERATOR[name](ledger, request.form.get("id", ""), terms)
        return redirect("/operator", 303)

    return pages


def _linked(email: dict[str, str]) -> dict[str, Any]:
    """Cut the text of an e-mail at its addresses, so that they can be links."""
    # Every other part is an address: re.split keeps what a group has found.
    return {**email, "parts": re.split(r"(https?://[^\s<>\"]+)", email["text"])}


_CUSTOMER: dict[str, Callable[[Ledger, str], Body]] = {
    "pay": checkout.pay,
    "decline": checkout.decline,
    "later": lambda ledger, identifier: checkout.pay_later(
        ledger, identifier, succeeds=True, after=_SETTLE_SECONDS
    ),
    "bounce": lambda ledger, identifier: checkout.pay_later(
        ledger, identifier, succeeds=False, after=_SETTLE_SECONDS
    ),
}

_OPERATOR: dict[str, Callable[[Ledger, str, Terms], object]] = {
    "refund": lambda ledger, identifier, terms: refunds.refund(
        ledger, {"payment_intent": identifier}, settles_after=terms.refund_seconds
    ),
    "dispute": lambda ledger, identifier, _: disputes.open_dispute(ledger, identifier),
    "won": lambda ledger, identifier, _: disputes.close_dispute(ledger, identifier, ending="won"),
    "lost": lambda ledger, identifier, _: disputes.close_dispute(ledger, identifier, ending="lost"),
    "arrive": lambda ledger, identifier, _: checkout.settle(ledger, identifier, succeeds=True),
    "bounce": lambda ledger, identifier, _: checkout.settle(ledger, identifier, succeeds=False),
    "expire": lambda ledger, identifier, _: checkout.expire(ledger, identifier),
    "again": lambda ledger, *_: webhooks.deliver_again(ledger, last=10),
    "pause": lambda ledger, *_: webhooks.pause(ledger),
    "resume": lambda ledger, *_: webhooks.resume(ledger),
}


def _pay_page(
    ledger: Ledger, session_id: str, *, declined: bool = False, refusal: str = "", code: str = ""
) -> Response:
    session = _session(ledger, session_id)
    lines = ledger.private(session_id)["line_items"]
    page = render_template(
        "pay.html",
        session=session,
        lines=lines,
        declined=declined,
        seconds=_SETTLE_SECONDS,
        refusal=refusal,
        code=code,
        codes=CODES,
    )
    response = make_response(page, 402 if declined else 422 if refusal else 200)
    _policed(response, session)
    return response


def _code_page(ledger: Ledger, session_id: str, code: str) -> Response:
    """Apply a promotion code; what is wrong with it stands at its field."""
    _session(ledger, session_id)
    try:
        checkout.apply_code(ledger, session_id, code)
    except InvalidParams as refusal:
        return _pay_page(ledger, session_id, refusal=refusal.message, code=code)
    return _pay_page(ledger, session_id)


def _session(ledger: Ledger, session_id: str) -> Body:
    session = ledger.find(session_id, "checkout.session")
    if session is None:
        raise ApiError("This checkout doesn't exist.", status=404)
    return session


def _payments(ledger: Ledger) -> Any:
    by_charge = {dispute["charge"]: dispute for dispute in reversed(list(ledger.every("dispute")))}
    for session, _ in zip(ledger.every("checkout.session"), range(_SHOWN), strict=False):
        intent = ledger.find(session["payment_intent"])
        charge = ledger.find(intent["latest_charge"]) if intent else None
        yield {
            "session": session,
            "title": ledger.private(session["id"])["line_items"][0]["description"],
            "intent": intent,
            "charge": charge,
            "dispute": by_charge.get(charge["id"]) if charge else None,
        }


def _policed(response: AnyResponse, session: Body) -> AnyResponse:
    # Browsers hold the redirect after a form against form-action too.
    leads_to = [session[key] for key in ("success_url", "cancel_url") if session[key]]
    response.headers["Content-Security-Policy"] = _policy(leads_to)
    return response


def _policy(leads_to: list[str]) -> str:
    places = sorted({"{0.scheme}://{0.netloc}".format(urlsplit(url)) for url in leads_to})
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            " ".join(["form-action 'self'", *places]),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
