"""`flask payments`: reconcile payments with Stripe."""

import json
import sys

import click
from flask import current_app
from flask.cli import AppGroup

from lms.cli.output import json_option
from lms.cli.progress import progress_bar
from lms.demo.payments import find_demo_payments
from lms.payments import Report, connect
from lms.payments import reconcile as reconcile_payments
from lms.texts import counted

payments = AppGroup("payments", help="Reconcile payments with Stripe.")


@payments.command()
@json_option
def reconcile(as_json: bool) -> None:
    """Fetch from Stripe what the webhook missed and apply it; a second run changes nothing."""
    find_demo_payments(current_app)
    report = _reconcile_with_bar()
    click.echo(json.dumps(report.as_json()) if as_json else _told(report))
    for failure in report.failures:
        click.echo(f"Error: {failure}", err=True)
    sys.exit(0 if report.is_complete else 1)


def _reconcile_with_bar() -> Report:
    with progress_bar("Reconciling") as show:
        return reconcile_payments(connect(current_app.config), progress=show)


def _told(report: Report) -> str:
    return (
        f"Fetched {counted(report.events, 'event')}, {counted(report.sessions, 'checkout')}, "
        f"{counted(report.refunds, 'refund')} and {counted(report.disputes, 'dispute')}"
        f" since {report.since:%Y-%m-%d %H:%M} UTC. Changes: {report.changed}."
    )
