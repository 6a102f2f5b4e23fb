"""What the stand-in adds to a price and takes off it: tax, and promotion codes that it knows."""

from lms.demo.stripe.errors import InvalidParams
from lms.demo.stripe.store import Body, Ledger

CODES = {"WELCOME10": 10, "FREE": 100}
"""Promotion codes, each with what it takes off, in percent."""
TAX_PERCENT = 19


def apply_code(ledger: Ledger, session: Body, code: str) -> None:
    """Take off what a promotion code says, in place of an earlier one."""
    if not session["allow_promotion_codes"]:
        raise InvalidParams("This checkout takes no promotion codes.", param="code")
    percent = CODES.get(code.strip().upper())
    if percent is None:
        known = " or ".join(CODES)
        raise InvalidParams(f"This code is invalid. Enter {known}.", param="code")
    promotion = f"promo_{code.strip().lower()}"
    ledger.change(session, discounts=[{"coupon": None, "promotion_code": promotion}])
    ledger.change(session, **reckoned(session, ledger.private(session["id"]), percent=percent))


def reckoned(session: Body, private: Body, *, percent: int = 0) -> Body:
    """Return the amounts of a session: a subtotal, less a discount, plus tax."""
    subtotal = session["amount_subtotal"]
    discount = subtotal * percent // 100
    net = subtotal - discount
    is_included = private["tax_behavior"] == "inclusive"
    tax = 0
    if session["automatic_tax"]["enabled"]:
        tax = net * TAX_PERCENT // (100 + TAX_PERCENT if is_included else 100)
    return {
        "amount_total": net if is_included else net + tax,
        "total_details": {"amount_discount": discount, "amount_shipping": 0, "amount_tax": tax},
    }
