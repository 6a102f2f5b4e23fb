"""Payments by Stripe: the only package that imports its SDK.

Stripe tells facts, late, twice and in any order. `facts` merges them, `projection` says what they
amount to, `settle` makes status and access follow: nothing else changes a payment. Facts come in by
`inbox.receive` (webhook, reconciliation) and `inbox.observe` (return page, answers to our calls).
"""

from lms.payments.attention import dismiss, put_back
from lms.payments.checkout import buy
from lms.payments.gateway import Gateway, connect
from lms.payments.inbox import observe, receive, replay
from lms.payments.reconcile import Report, reconcile
from lms.payments.refunds import RefundRequested, request_refund
from lms.payments.settle import settle_payment
from lms.payments.webhook import verified_event

__all__ = [
    "Gateway",
    "RefundRequested",
    "Report",
    "buy",
    "connect",
    "dismiss",
    "observe",
    "put_back",
    "receive",
    "reconcile",
    "replay",
    "request_refund",
    "settle_payment",
    "verified_event",
]
