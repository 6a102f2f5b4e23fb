"""Whoever asks, as accounts want to know it."""

from flask import current_app, request

from lms import accounts
from lms.web import browsers, devices
from lms.web.addresses import caller
from lms.web.pauses import slow_down


def limit() -> accounts.SignInLimit:
    """Return the limit for tries of whoever asks."""
    rule = current_app.config["LMS_LOGIN_LIMIT"]
    return accounts.SignInLimit(
        rule=rule,
        address=caller(),
        secret=str(current_app.config["SECRET_KEY"]),
        marks=browsers.marks(),
        slow_down=slow_down,
    )


def device() -> str:
    """Return how the list of sign-ins names this browser."""
    return devices.device(request.user_agent.string)
