"""Payments by Stripe: the only package that imports its SDK.

Stripe's events come late, twice and in any order. They are read into facts here, and come in by
`inbox.receive` (webhook, reconciliation) and `inbox.observe` (return page, answers to our calls);
`lms.ledger` merges them and makes status and access match them.
"""

from lms.payments.checkout import buy
from lms.payments.closing import close_checkouts
from lms.payments.endpoint import Checked, check_endpoint
from lms.payments.gateway import Gateway, connect
from lms.payments.inbox import observe, receive, replay
from lms.payments.reconcile import Report, reconcile
from lms.payments.recording import ManualPayment, Recorded, record_payment
from lms.payments.refunds import RefundRequested, obstacle, request_refund
from lms.payments.settlement import accept, close_month, dismiss, reopen, settle_payment
from lms.payments.webhook import verified_event

__all__ = [
    "Checked",
    "Gateway",
    "ManualPayment",
    "Recorded",
    "RefundRequested",
    "Report",
    "accept",
    "buy",
    "check_endpoint",
    "close_checkouts",
    "close_month",
    "connect",
    "dismiss",
    "observe",
    "obstacle",
    "receive",
    "reconcile",
    "record_payment",
    "reopen",
    "replay",
    "request_refund",
    "settle_payment",
    "verified_event",
]
