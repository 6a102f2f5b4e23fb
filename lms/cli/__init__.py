"""The commands of `.venv/bin/flask`; every failure is one clear line and a non-zero exit."""

from flask import Flask

from lms.cli.demo import demo
from lms.cli.failures import tell_failures
from lms.cli.importing import importing
from lms.cli.migrations import migrations
from lms.cli.payments import payments
from lms.cli.serve import serve
from lms.cli.sync import sync
from lms.cli.users import users
from lms.cli.worker import worker


def register(app: Flask) -> None:
    """Add the commands to the application's own, and teach `flask db` the same manners."""
    for command in (demo, importing, payments, serve, sync, users, worker):
        app.cli.add_command(command)
    for command in (demo, importing, payments, serve, sync, users, worker, migrations):
        tell_failures(command)
