"""A copy that kills itself; tests run it in a process of its own."""

import os
import signal

from lms import create_app, moving
from lms.db import db
from tests.databases import settings


def copy(source: str, target: str, last: int) -> None:
    """Copy a school and kill this process when it tells of so many steps."""
    calls = 0

    def killed(_done: int, _total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with (
        create_app(settings(source)).app_context(),
        db.engine.connect() as connection,
        moving.emptied(target) as engine,
    ):
        moving.copy(moving.Database(connection), engine, progress=killed)
