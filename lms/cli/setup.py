"""`flask setup-link`: how an empty school gets its first admin."""

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from lms import accounts
from lms.config import portal_url, signing_keys


@click.command("setup-link")
@with_appcontext
def setup_link() -> None:
    """Print the link that makes the first admin of an empty school.

    It works once, within 24 hours. As soon as there is an admin, no such link works.
    """
    click.echo(link(current_app))


def link(app: Flask) -> str:
    """Return the address of the page that makes the first admin, or raise SchoolIsOpen."""
    token = accounts.setup_token(secret=signing_keys(app.config))
    return f"{portal_url(app.config)}/setup/{token}"
