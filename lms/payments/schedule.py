"""Reconciles by itself, so that a webhook that was down for a day is no reason to act."""

import logging
import signal
import threading

from flask import Flask

from lms.payments.gateway import connect
from lms.payments.reconcile import reconcile

SECONDS = 600
_log = logging.getLogger(__name__)


def run(app: Flask) -> None:
    """Reconcile at once and then every ten minutes, until SIGTERM; does nothing without a key."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    while not ended.is_set():
        with app.app_context():
            try:
                if (gateway := connect(app.config)) is not None:
                    reconcile(gateway)
            except Exception:  # noqa: BLE001 - the database may be away for a while; this stays
                _log.exception("payments could not be reconciled")
        ended.wait(SECONDS)
