"""A big school on each engine in turn."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from flask import Flask

from lms import create_app, enrollment
from lms.db import db
from tests import folders, postgres
from tests.bench.progress import tell
from tests.bench.school import Size, fill
from tests.databases import Postgresql, Server, Sqlite, settings

ENGINES = ("sqlite", "postgresql")


@contextmanager
def schools(
    enrollments: int, engines: Sequence[str] = ENGINES
) -> Iterator[Iterator[tuple[str, Flask]]]:
    """Lend an address and a portal in its context, on one engine after the other."""
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="lms-bench-", dir=folders.fastest())
        folder = stack.enter_context(temporary)
        servers: list[Server] = []
        if "sqlite" in engines:
            servers.append(Sqlite(Path(folder)))
        if "postgresql" in engines:
            os.environ["TEST_POSTGRES_URL"] = stack.enter_context(postgres.server())
            servers.append(Postgresql("bench"))
        # One at a time: each is dropped when the next is asked for.
        yield (school for server in servers for school in _school(server, enrollments))


def _school(server: Server, enrollments: int) -> Iterator[tuple[str, Flask]]:
    with server.migrated() as url:
        app = create_app(settings(url))
        with app.app_context():
            tell(f"filling a school of {enrollments} enrollments on {db.engine.dialect.name}")
            fill(db.engine, Size(enrollments))
            enrollment.write_search_words()
            db.engine.dispose()
            if db.engine.dialect.name == "postgresql":
                with psycopg.connect(url, autocommit=True) as cleaner:
                    cleaner.execute("VACUUM ANALYZE")
            tell("filled")
            yield url, app
            db.session.remove()
            db.engine.dispose()
