"""What Stripe says of the endpoint to which it delivers, and the events that the portal needs."""

import json

import pytest
import stripe as sdk
from flask import Flask

from lms import payments
from lms.demo.stripe import StripeStandIn
from lms.payments import Gateway
from lms.payments.events import HANDLED

HERE = "https://school.example/api/payments/webhook"


def wrong(selling: Flask, gateway: Gateway) -> list[str]:
    """Return what is found to be wrong."""
    selling.config["PUBLIC_URL"] = "https://school.example"
    checked = payments.check_endpoint(gateway, selling.config)
    assert checked.ok == (not checked.problems)
    return [each.code for each in checked.problems]


@pytest.mark.parametrize("events", [HANDLED, ("*",)])
def test_an_endpoint_with_all_that_is_needed_is_right(
    selling: Flask, stripe: StripeStandIn, gateway: Gateway, events: tuple[str, ...]
) -> None:
    assert wrong(selling, gateway) == ["no_endpoint"]
    stripe.add_endpoint("https://other.example/api/payments/webhook")
    stripe.add_endpoint("https://school.example/other", events=events)
    assert wrong(selling, gateway) == ["no_endpoint"]
    stripe.add_endpoint(HERE, events=events)
    assert wrong(selling, gateway) == []


def test_each_thing_that_is_wrong_is_said(
    selling: Flask, stripe: StripeStandIn, gateway: Gateway
) -> None:
    endpoint = stripe.add_endpoint(HERE, events=HANDLED[1:])
    assert wrong(selling, gateway) == ["missing_events"]
    [problem] = payments.check_endpoint(gateway, selling.config).problems
    assert problem.detail == f"Add these events to the endpoint in Stripe: {HANDLED[0]}."
    stripe.add_endpoint(HERE, version=None)
    assert wrong(selling, gateway) == ["api_version"]
    stripe.add_endpoint(HERE, version="2020-08-27")
    assert wrong(selling, gateway) == ["api_version"]
    release = sdk.api_version.partition(".")[2]
    stripe.add_endpoint(HERE, version=f"2026-01-28.{release}")  # breaks nothing
    assert wrong(selling, gateway) == []
    stripe.disable_endpoint(endpoint["id"])
    assert wrong(selling, gateway) == ["disabled"]
    selling.config["STRIPE_WEBHOOK_SECRET"] = None
    selling.config["LMS_ENV"] = "production"
    assert wrong(selling, gateway) == ["no_secret", "mode", "disabled"]


def test_an_endpoint_of_the_other_mode_is_named(
    selling: Flask, stripe: StripeStandIn, gateway: Gateway
) -> None:
    stripe.add_endpoint(HERE)
    gateway.livemode = True
    assert wrong(selling, gateway) == ["mode"]


def test_the_command_tells_by_its_exit_code(selling: Flask, stripe: StripeStandIn) -> None:
    runner = selling.test_cli_runner()
    selling.config["PUBLIC_URL"] = "https://school.example"
    nothing = runner.invoke(args=["payments", "check"])
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert f"no endpoint for {HERE}" in nothing.stderr
    stripe.add_endpoint(HERE, events=("checkout.session.completed",))
    some = runner.invoke(args=["payments", "check", "--json"])
    report = json.loads(some.stdout)
    assert (some.exit_code, report["ok"]) == (1, False)
    assert report["endpoint"]["url"] == HERE
    assert [each["code"] for each in report["problems"]] == ["missing_events"]
    stripe.add_endpoint(HERE, events=HANDLED)
    right = runner.invoke(args=["payments", "check"])
    assert (right.exit_code, right.stderr) == (0, "")
    assert right.stdout == f"{HERE} is set up correctly in Stripe.\n"
    selling.config["STRIPE_API_BASE"] = "http://127.0.0.1:9"
    down = runner.invoke(args=["payments", "check"])
    assert (down.exit_code, down.stderr.count("\n")) == (2, 1)
    selling.config["STRIPE_SECRET_KEY"] = None
    unset = runner.invoke(args=["payments", "check"])
    assert (unset.exit_code, "STRIPE_SECRET_KEY" in unset.stderr) == (2, True)


def test_an_address_that_answers_nothing_is_not_right(
    selling: Flask, stripe: StripeStandIn, gateway: Gateway
) -> None:
    assert selling.test_client().post("/api/payments/webhook/", data=b"{}").status_code == 404
    stripe.add_endpoint(f"{HERE}/", events=HANDLED)
    assert wrong(selling, gateway) == ["address"]
