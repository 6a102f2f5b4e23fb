"""`flask payments`: reconcile payments with Stripe."""

import json
import sys
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup

from lms.cli.books import books
from lms.cli.output import json_option, print_json
from lms.cli.progress import progress_bar
from lms.demo.payments import find_demo_payments
from lms.payments import Checked, Report, check_endpoint, connect
from lms.payments import reconcile as reconcile_payments
from lms.refusals import Refusal
from lms.texts import counted

payments = AppGroup(
    "payments", help="Reconcile payments with Stripe, check its endpoint, and print the books."
)
payments.add_command(books)


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


@payments.command()
@json_option
def check(as_json: bool) -> None:
    """Ask Stripe whether the webhook endpoint has the events, version and mode that are needed.

    Exits with 0 if it has, with 1 if something is wrong, and with 2 if Stripe can't be asked.
    """
    find_demo_payments(current_app)
    gateway = connect(current_app.config)
    if gateway is None:
        _could_not("Payments are not configured: set STRIPE_SECRET_KEY.")
    try:
        checked = check_endpoint(gateway, current_app.config)
    except Refusal as refusal:
        _could_not(refusal.detail)
    if as_json:
        print_json(Checked, checked)
    elif checked.ok and checked.endpoint is not None:
        click.echo(f"{checked.endpoint.url} is set up correctly in Stripe.")
    for problem in checked.problems:
        click.echo(f"Error: {problem.detail}", err=True)
    sys.exit(0 if checked.ok else 1)


def _could_not(why: str) -> NoReturn:
    click.echo(f"Error: {why}", err=True)
    sys.exit(2)


def _reconcile_with_bar() -> Report:
    with progress_bar("Reconciling") as show:
        return reconcile_payments(connect(current_app.config), progress=show)


def _told(report: Report) -> str:
    return (
        f"Fetched {counted(report.events, 'event')}, {counted(report.sessions, 'checkout')}, "
        f"{counted(report.refunds, 'refund')} and {counted(report.disputes, 'dispute')}"
        f" since {report.since:%Y-%m-%d %H:%M} UTC. Changes: {report.changed}."
    )
