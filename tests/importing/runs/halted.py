"""A worker that stands still in the transaction of an import; tests run and kill it."""

import time
from multiprocessing.connection import Connection
from typing import Any

from lms import create_app
from lms.importing import runs
from lms.importing.runs import life
from tests.databases import settings


def work(where: str, url: str, instance: str, reached: Connection) -> None:
    """Import until that place, with all of it written; tell of it, and stand still."""
    app = create_app(settings(url))
    app.instance_path = instance
    before = getattr(life, where)

    def halt(*given: Any) -> None:
        if where == "keep_result":
            before(*given)
        reached.send("reached")
        time.sleep(600)

    setattr(life, where, halt)
    with app.app_context():
        runs.work_when_due(None)
