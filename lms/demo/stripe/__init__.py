"""A stand-in for Stripe on this machine: no account, no key, no real money.

The portal talks to it through the real SDK and cannot tell the difference. Every request and every
object is held against the types that the pinned SDK ships, so the contract is Stripe's own.
"""

from lms.demo.stripe.server import Refused, StripeStandIn, serve

__all__ = ["Refused", "StripeStandIn", "serve"]
