"""The portal's Stripe, as configured."""

from flask import current_app

from lms.payments import Gateway, connect


def is_configured() -> bool:
    """Return whether students can pay."""
    return bool(current_app.config["STRIPE_SECRET_KEY"])


def gateway() -> Gateway | None:
    """Return the connection to Stripe, or None where payments are not configured."""
    return connect(current_app.config)
