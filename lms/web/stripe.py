"""The portal's Stripe, as configured, and where Stripe sends people back to."""

from flask import current_app, request

from lms.payments import Gateway, connect


def gateway() -> Gateway | None:
    """Return the connection to Stripe, or None where payments are not configured."""
    return connect(current_app.config)


def origin() -> str:
    """Return the address of this portal as people reach it."""
    return str(current_app.config["PUBLIC_URL"] or request.host_url.rstrip("/"))
