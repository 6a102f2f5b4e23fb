"""What Stripe refuses beyond its types, each rule with the place where Stripe documents it.

Where Stripe documents none, with reports of what its service has answered.
"""

import re
from urllib.parse import urlsplit

from lms.currencies import CURRENCIES
from lms.db import now
from lms.demo.stripe.errors import InvalidParams
from lms.demo.stripe.store import Body
from lms.money import MAX_PRICE, plain

_SHORTEST, _LONGEST = 30 * 60, 24 * 3600
_LONGEST_REFERENCE = 200
_LONGEST_TEXT = 1200
_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")


def check_currency(currency: str, *, param: str) -> None:
    """Refuse what is no presentment currency: https://docs.stripe.com/currencies."""
    if currency not in CURRENCIES:
        raise InvalidParams(f"Invalid currency: {currency}.", param=param)


def check_step(amount: int, currency: str, *, param: str) -> None:
    """Refuse fractions of ISK and UGX, and a last digit other than 0 of three decimals.

    https://docs.stripe.com/currencies#special-cases and, as of 2022-12-31, #three-decimal.
    """
    step = CURRENCIES[currency].step
    if amount % step:
        message = f"Invalid amount: {amount}. Amounts in {currency} must be divisible by {step}."
        raise InvalidParams(message, code="parameter_invalid_integer", param=param)


def check_total(amount: int, currency: str) -> None:
    """Refuse a total below the minimum of the currency, or of more than eight digits.

    https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, and the codes in
    https://docs.stripe.com/error-codes. Whoever pays out in another currency than they charge has
    to meet the equivalent of that one's minimum, for which this would have to know exchange rates.
    """
    least = CURRENCIES[currency].least
    if amount < least:
        message = (
            "The Checkout Session's total amount due must add up to at least "
            f"{plain(least, currency)} {currency}"
        )
        raise InvalidParams(message, code="amount_too_small")
    if amount > MAX_PRICE:
        message = (
            "The Checkout Session's total amount due must be no more than "
            f"{plain(MAX_PRICE, currency, separator=',')} {currency}"
        )
        raise InvalidParams(message, code="amount_too_large")


def check_session(params: Body) -> None:
    """Refuse addresses, times and texts that Stripe refuses in a checkout."""
    _check_email(params)
    _check_expiry(params)
    for key in ("success_url", "cancel_url"):
        _check_url(params.get(key, "http://unset"), param=key)
    # https://docs.stripe.com/api/checkout/sessions/create: at most 200 characters.
    if len(params.get("client_reference_id", "")) > _LONGEST_REFERENCE:
        raise InvalidParams("Invalid string: at most 200 characters", param="client_reference_id")
    # The same page, and the types of the SDK: up to 1200 characters.
    for place, text in params.get("custom_text", {}).items():
        if len(text["message"]) > _LONGEST_TEXT:
            path = f"custom_text[{place}][message]"
            raise InvalidParams("Invalid string: at most 1200 characters", param=path)


def _check_email(params: Body) -> None:
    """Refuse an address without a top-level domain, or with blanks.

    Reported, not documented: https://github.com/exercism/website/issues/7721,
    https://github.com/hackclub/hcb/issues/12905, https://github.com/stripe/stripe-dotnet/issues/1897;
    the code is one of https://docs.stripe.com/error-codes.
    """
    email = params.get("customer_email")
    if email is not None and not _ADDRESS.fullmatch(email):
        message = f"Invalid email address: {email}"
        raise InvalidParams(message, code="email_invalid", param="customer_email")


def _check_expiry(params: Body) -> None:
    """Refuse less than 30 minutes and more than 24 hours, by the types of the SDK."""
    if "expires_at" not in params:
        return
    ahead = params["expires_at"] - now().timestamp()
    if not _SHORTEST - 5 <= ahead <= _LONGEST + 5:
        edge = "at least 30 minutes" if ahead < _SHORTEST else "less than 24 hours"
        message = f"The `expires_at` timestamp must be {edge} from Checkout Session creation."
        raise InvalidParams(message, param="expires_at")


def _check_url(given: str, *, param: str) -> None:
    """Refuse what is no web address: url_invalid of https://docs.stripe.com/error-codes."""
    try:
        url = urlsplit(given)
        valid = url.scheme in {"http", "https"} and bool(url.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise InvalidParams("Not a valid URL", code="url_invalid", param=param)
