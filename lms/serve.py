"""Starting the portal: everything checked and prepared, then the web server and the worker."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import flask_migrate
from flask import Flask

from lms import accounts, metrics, schema, sync
from lms.accounts import SETUP_HOURS
from lms.cli import setup
from lms.cli.demo import load_demo
from lms.cli.progress import progress_bar
from lms.config import ConfigError, local_url
from lms.db import db, let_go
from lms.demo.logins import LOGINS
from lms.demo.payments import DemoPayments
from lms.processes import GRACE_SECONDS, end_with_parent, run_together
from lms.queries.people import all_exist, is_new_school
from lms.refusals import Refusal, SchoolIsOpen

THREADS = min(8, 2 * (os.cpu_count() or 1) + 1)
"""Requests that one worker process answers at once; each holds a database connection at most."""

MOST_CONNECTIONS = 8192
"""Open connections of one worker process: one for each tab, as a browser keeps it."""

_OPENING_THREADS = 512
"""Threads of the server itself in one worker process, which open and read files: many more than
wait for what comes from a bucket (`web/front/streams`)."""


def run(app: Flask) -> int:
    """Prepare the database, print the portal's address, and serve until asked to stop."""
    port = app.config["PORT"]
    _free_address(app)
    with app.app_context():
        prepare(with_demo=app.config["DEMO"])
        _refuse_public_passwords(app)
        ip = _free_address(app)  # another start may have been quicker
        demo_payments = DemoPayments.beside(app, port) if app.config["DEMO"] else None
        _say(app)
        let_go()
    works: dict[str, Callable[[], None]] = {
        "web": lambda: _serve(app, ip),
        "worker": lambda: _work(app),
    }
    if demo_payments is not None:
        works["demo payments"] = demo_payments.run
    with metrics.shared_between_processes(Path(app.instance_path), str(port)):
        return run_together(works)


def prepare(*, with_demo: bool) -> None:
    """Migrate the database, restore lost constraints, and fill an empty one."""
    try:
        with progress_bar("Preparing the database"):
            flask_migrate.upgrade()
            if schema.missing():
                schema.restore()
            sync.follow_zone_at_start(of_portal=True)
    except Refusal as gap:
        # A restored school starts nevertheless: only then can it be repaired. Health says failing,
        # and the worker tries again when it has repaired the rows.
        click.echo(f"Warning: {gap.detail}", err=True)
    if with_demo and is_new_school(db.session()):
        from lms.demo.load import NotEmpty  # noqa: PLC0415 - one start alone needs it

        with suppress(NotEmpty):  # another start was first
            load_demo()


def _refuse_public_passwords(app: Flask) -> None:
    if app.config["LMS_ENV"] != "production":
        return
    for _, email, password in LOGINS:
        if accounts.has_password(email, password):
            raise ConfigError(
                f"LMS_ENV=production is refused: {email} still has the demo's public password."
                " Change it, or start with an empty database"
            )


def _free_address(app: Flask) -> str:
    """Return the host's IP address after checking that the port can be had."""
    host, port = app.config["HOST"], app.config["PORT"]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigError(f"HOST {host!r} is not an address of this machine") from None
    family, kind, _, _, place = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            raise ConfigError(
                f"{local_url(app.config)} can't be used: {error.strerror}. "
                f"Stop what is running there, or choose another port: PORT={port % 65535 + 1}"
            ) from None
    return str(place[0])


def _say(app: Flask) -> None:
    click.echo(f"The portal is at {local_url(app.config)}")
    if app.config["LMS_ENV"] == "development" and all_exist(email for _, email, _ in LOGINS):
        for role, email, password in LOGINS:
            click.echo(f"  Sign in as {role}: {email} with {password}")
    with suppress(SchoolIsOpen):
        click.echo(f"  Create the first admin within {SETUP_HOURS} hours: {setup.link(app)}")
    if app.config["LMS_ENV"] == "production" and not app.config["MAIL_URL"]:
        click.echo("MAIL_URL is not set: e-mails stay in the outbox", err=True)
    click.echo("  Press Ctrl+C to stop")
    sys.stdout.flush()


def _serve(app: Flask, ip: str) -> None:
    # Imported here, in the process that needs it, while the others import theirs.
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    server = Server(
        "app:app",
        address=ip,
        port=app.config["PORT"],
        interface=Interfaces.RSGI,
        workers=app.config["WORKERS"],
        runtime_blocking_threads=_OPENING_THREADS,
        backlog=1024,
        backpressure=MOST_CONNECTIONS,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},  # written as all others are
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS - 2,
        working_dir=Path(app.root_path).parent,
    )
    server.serve(target_loader=_loader(app, os.getpid()), wrap_loader=False)


def _work(app: Flask) -> None:
    from lms import worker  # noqa: PLC0415 - as above

    worker.run(app)


def _loader(app: Flask, parent: int) -> Callable[[], Any]:
    def load_app() -> Any:
        # Asked to end, a worker waits for its requests, and may hang in the end with transactions
        # open; who would have forced it is dead.
        end_with_parent(parent, signal.SIGKILL)
        with app.app_context():
            sync.ask_health()
        return app.extensions["front"](threads=THREADS)

    return load_app
