"""`flask demo`: a school to look at."""

from collections.abc import Iterator

import click
from flask.cli import with_appcontext

from lms.cli.progress import progress_bar
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
    """Run to the end; at a terminal, show how far it is."""
    with progress_bar(label) as progress:
        for done in steps:
            progress(int(done * 1000), 1000)
