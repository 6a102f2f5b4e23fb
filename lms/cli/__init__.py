"""The commands of `.venv/bin/flask`; every failure is one clear line and a non-zero exit."""

from flask import Flask

from lms.cli.demo import demo
from lms.cli.export import export
from lms.cli.failures import tell_failures
from lms.cli.importing import importing
from lms.cli.migrations import migrations
from lms.cli.moving import backup, restore
from lms.cli.payments import payments
from lms.cli.serve import serve
from lms.cli.setup import setup_link
from lms.cli.sync import sync
from lms.cli.users import users
from lms.cli.worker import worker

COMMANDS = (
    *(backup, demo, export, importing, payments, restore, serve, setup_link, sync, users),
    worker,
)


def register(app: Flask) -> None:
    """Add the commands to the application, and apply the same error handling to `flask db`."""
    for command in COMMANDS:
        app.cli.add_command(command)
    for command in (*COMMANDS, migrations):
        tell_failures(command)
