"""The WSGI application that `flask` and the production server load."""

import sys

import click

from lms import create_app
from lms.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    click.echo(f"Configuration error: {error}", err=True)
    sys.exit(2)  # by 1 `flask sync validate` says that it has found violations
