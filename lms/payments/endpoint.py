"""Whether Stripe delivers to the portal what it has to know, in the form and mode that it reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe

from lms.payments.events import HANDLED
from lms.payments.gateway import Endpoint, Gateway

PATH = "/api/payments/webhook"
VERSION = stripe.api_version
_ALL = "*"


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do."""

    code: str
    detail: str


@dataclass(frozen=True)
class Checked:
    """What Stripe says of the portal's endpoint."""

    ok: bool
    endpoint: Endpoint | None
    problems: list[Problem]


def check_endpoint(gateway: Gateway, settings: Mapping[str, Any]) -> Checked:
    """Ask Stripe for the portal's webhook endpoint and compare it with what the portal needs.

    Raises PaymentsUnavailable if Stripe doesn't say.
    """
    found = [each for each in gateway.endpoints() if _is_ours(each, settings["PUBLIC_URL"])]
    # Of several, the one that works best: the others only deliver the same again.
    found.sort(key=lambda each: len(list(_problems_of(each, gateway))))
    endpoint = found[0] if found else None
    problems = [*_problems_here(gateway, settings)]
    if endpoint is None:
        address = (settings["PUBLIC_URL"] or "https://your-portal").rstrip("/") + PATH
        mode = "live" if gateway.livemode else "test"
        problems.append(
            Problem("no_endpoint", f"Stripe has no endpoint for {address} in {mode} mode: add one.")
        )
    else:
        problems += _problems_of(endpoint, gateway)
    return Checked(not problems, endpoint, problems)


def _is_ours(endpoint: Endpoint, public_url: str | None) -> bool:
    if public_url:
        return endpoint.url.rstrip("/") == public_url.rstrip("/") + PATH
    return urlsplit(endpoint.url).path.rstrip("/").endswith(PATH)


def _problems_here(gateway: Gateway, settings: Mapping[str, Any]) -> Iterator[Problem]:
    if not settings["STRIPE_WEBHOOK_SECRET"]:
        yield Problem(
            "no_secret", "STRIPE_WEBHOOK_SECRET isn't set: set it to the endpoint's signing secret."
        )
    if settings["LMS_ENV"] == "production" and not gateway.livemode:
        yield Problem(
            "mode",
            "STRIPE_SECRET_KEY is a test key, so no real money is paid: set the live key in"
            " production.",
        )


def _problems_of(endpoint: Endpoint, gateway: Gateway) -> Iterator[Problem]:
    if not endpoint.is_enabled:
        yield Problem("disabled", f"{endpoint.url} is disabled: enable it in Stripe.")
    if endpoint.url.endswith("/"):
        yield Problem(
            "address", f"{endpoint.url} ends in a slash, so nothing arrives: remove it in Stripe."
        )
    if endpoint.livemode != gateway.livemode:
        yield Problem(
            "mode",
            f"{endpoint.url} and STRIPE_SECRET_KEY are in different modes, test and live: use the"
            " same for both.",
        )
    missing = [] if _ALL in endpoint.events else sorted({*HANDLED} - {*endpoint.events})
    if missing:
        yield Problem(
            "missing_events", f"Add these events to the endpoint in Stripe: {', '.join(missing)}."
        )
    if endpoint.version is None:
        yield Problem(
            "api_version",
            "The endpoint uses the account's default API version, which may change: replace it with"
            f" one that uses {VERSION}.",
        )
    elif _release(endpoint.version) != _release(VERSION):
        yield Problem(
            "api_version",
            f"The endpoint uses API version {endpoint.version}, but the portal needs {VERSION}:"
            " replace it with one that uses that version.",
        )


def _release(version: str) -> str:
    """Return what versions have in common between which Stripe breaks nothing: their name.

    https://docs.stripe.com/api/versioning: only a release with a new name has breaking changes.
    """
    return version.partition(".")[2] or version
