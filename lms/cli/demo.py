"""`flask demo`: a school to look at."""

import sys
import time
from collections.abc import Iterator

import click
from flask.cli import with_appcontext

from lms.demo.logins import LOGINS


@click.command()
@with_appcontext
def demo() -> None:
    """Load the demo school into an empty database; refuse any other."""
    from lms.demo.load import load  # noqa: PLC0415 - other commands start sooner without it

    show_progress(load(), "Loading the demo school")
    for role, email, password in LOGINS:
        click.echo(f"Sign in as {role}: {email} with {password}")


def show_progress(steps: Iterator[float], label: str) -> None:
    """Run to the end; on a terminal, show a bar once it has taken two seconds."""
    began = time.monotonic()
    for done in steps:
        if sys.stderr.isatty() and time.monotonic() - began > 2:
            _show_rest(steps, label, done)


def _show_rest(steps: Iterator[float], label: str, done: float) -> None:
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        bar.update(int(done * 1000))
        for step in steps:
            bar.update(int(step * 1000) - bar.pos)
