"""`flask demo`: a school to look at."""

import click
from flask import current_app
from flask.cli import with_appcontext

from lms.cli.progress import progress_bar
from lms.config import ConfigError
from lms.demo.logins import LOGINS
from lms.demo.payments import stripe_folder


@click.command()
@with_appcontext
def demo() -> None:
    """Load the demo school into an empty database; refuse a non-empty one."""
    if current_app.config["LMS_ENV"] == "production":
        raise ConfigError("LMS_ENV=production can't load the demo: its passwords are public")
    load_demo()
    for role, email, password in LOGINS:
        click.echo(f"Sign in as {role}: {email} with {password}")


def load_demo() -> None:
    """Fill an empty database, with a progress bar on a terminal."""
    from lms.demo.load import load  # noqa: PLC0415 - other commands start sooner without it

    with progress_bar("Loading the demo school") as progress:
        load(lambda done: progress(int(done * 1000), 1000), stripe=stripe_folder(current_app))
