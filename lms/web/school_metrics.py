"""What /metrics says of the school: its health, what waits and since when."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from flask import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from lms import moving, sync
from lms.background import in_this_portal
from lms.queries.operating import Waiting, waiting
from lms.questions import Probe
from lms.sync import Health

_RECENT_SECONDS = 5
"""An older answer is none: the database is silent."""
_STATUSES = ("ok", "degraded", "failing")


def exposition(deadline: float) -> bytes:
    """Return the school's figures in Prometheus' text format, whatever the database does.

    What it hasn't told by the deadline, by `time.monotonic`, is left out: 0 would be a figure.
    """
    registry = CollectorRegistry()
    registry.register(
        _Figures(
            sync.health_soon(deadline),
            _heard(deadline),
            moving.last_backup(Path(current_app.instance_path)),
        )
    )
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, health: Health, waits: Waiting | None, backed_up: float | None) -> None:
        self._health, self._waits, self._backed_up = health, waits, backed_up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each family."""
        yield from self._of_health()
        if self._waits is not None:
            yield from self._of_waiting(self._waits)
        if self._backed_up is not None:
            yield _gauge(
                "portal_last_backup_timestamp_seconds",
                "When flask backup last wrote a backup on this machine",
                self._backed_up,
            )

    def _of_health(self) -> Iterator[GaugeMetricFamily]:
        found = self._health
        status = GaugeMetricFamily(
            "portal_health", "1 for the status that health reports", labels=["status"]
        )
        for each in _STATUSES:
            status.add_metric([each], float(found.status == each))
        yield status
        yield _gauge(
            "portal_database_writable",
            "1 if the database took the latest test write",
            found.database.is_writable,
        )
        if found.last_validation is None:
            return
        violations = GaugeMetricFamily(
            "portal_violations", "Violations in the latest report", labels=["kind"]
        )
        for kind, number in found.violations.items():
            violations.add_metric([kind], number)
        yield violations
        yield _gauge("portal_needs_attention", "Violations left to admins", found.needs_attention)
        yield _gauge("portal_emails_waiting", "E-mails not yet sent", found.waiting_emails)
        yield _gauge("portal_emails_failed", "E-mails that couldn't be sent", found.failed_emails)
        yield _gauge(
            "portal_stripe_events_failed",
            "Stripe's events that could not be processed",
            found.failed_webhook_events,
        )
        yield from _times(
            ("portal_last_validation", "When the school was last validated", found.last_validation),
            ("portal_last_auto_fix", "When auto-fix last ended", found.last_auto_fix),
        )

    def _of_waiting(self, waits: Waiting) -> Iterator[GaugeMetricFamily]:
        yield _gauge("portal_requests_waiting", "Requests for access", waits.requests)
        yield from _times(
            (
                "portal_oldest_request",
                "When the oldest waiting request was made",
                waits.oldest_request,
            ),
            (
                "portal_oldest_email",
                "When the oldest waiting e-mail was queued",
                waits.oldest_email,
            ),
            (
                "portal_oldest_roster",
                "When the oldest roster waiting for a worker was submitted",
                waits.oldest_roster,
            ),
            (
                "portal_oldest_attention",
                "When the oldest violation waiting for an admin was found",
                waits.oldest_attention,
            ),
        )


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=float(value))


def _times(*times: tuple[str, str, datetime | None]) -> Iterable[GaugeMetricFamily]:
    """Yield those that there are, as Prometheus writes moments: what doesn't wait has none."""
    for name, words, moment in times:
        if moment is not None:
            yield _gauge(f"{name}_timestamp_seconds", words, moment.timestamp())


def _heard(deadline: float) -> Waiting | None:
    probe: Probe[Waiting] = current_app.extensions.setdefault("waiting_probe", Probe())
    probe.ask(in_this_portal(waiting))
    with suppress(SQLAlchemyError):
        heard = probe.heard(deadline)
        if heard.age < _RECENT_SECONDS:
            return heard.answer
    return None
