"""Purchases as a student makes them, up to what Stripe then says."""

from lms.demo.stripe import StripeStandIn
from tests.web.browser import Browser


def press_buy(browser: Browser, course: int) -> str:
    answer = browser.send_form(f"/student/courses/{course}/buy")
    assert answer.status_code == 303
    return str(answer.location)


def bought(browser: Browser, stripe: StripeStandIn, course: int) -> str:
    """Buy, pay and come back; return the address of the payment's page."""
    stripe.pay(press_buy(browser, course))
    [event] = stripe.events("checkout.session.completed")
    address = event["data"]["object"]["success_url"].removeprefix("http://localhost")
    answer = browser.get(address)
    assert answer.status_code == 303
    return str(answer.location)


def hear(browser: Browser, stripe: StripeStandIn) -> None:
    """Deliver everything that has happened at Stripe."""
    for event in stripe.events():
        body, headers = stripe.signed(event)
        answer = browser.post("/api/payments/webhook", data=body.encode(), headers=headers)
        assert answer.status_code == 200
