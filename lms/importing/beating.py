"""Signs of life of a process that imports: how far it is, about once a second."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from lms.background import in_this_portal
from lms.db import db
from lms.enrollment.batch import Progress
from lms.importing.runs import files

BEAT_SECONDS = 1.0


@contextmanager
def beating(token: str, beat: Callable[[int], None]) -> Iterator[Progress]:
    """Call `beat` with the percentage while the work goes on.

    On SQLite nobody can write meanwhile: there a file in the folder of that token says it.
    """
    percent, ended = [0], threading.Event()

    def progress(done: int, total: int) -> None:
        percent[0] = min(99, 100 * done // max(total, 1))

    def keep_beating() -> None:
        is_shared = db.engine.dialect.name != "sqlite"
        while not ended.wait(BEAT_SECONDS):
            with suppress(SQLAlchemyError, OSError):  # of no use to stop for
                if is_shared:
                    beat(percent[0])
                else:
                    files.note(token, percent[0])

    thread = threading.Thread(target=in_this_portal(keep_beating), name="import-beat", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        ended.set()
        thread.join()
