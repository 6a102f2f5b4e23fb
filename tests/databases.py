"""A database of its own for each test: a clone of one that was migrated once per worker."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import flask_migrate
import psycopg
from flask import Flask
from sqlalchemy import make_url

from lms import create_app, questions
from lms.db import db
from lms.web import fragments
from tests import folders, postgres
from tests.fragments import Checked
from tests.patience import PATIENCE

questions.PATIENCE_SECONDS = PATIENCE  # a busy machine is slow, and not wrong
_files = tempfile.TemporaryDirectory(prefix="lms-files-", dir=folders.fastest())
"""For each database, the folder with the files of courses."""
_portals: dict[str, tuple[Flask, dict[str, object]]] = {}
_brought: dict[str, Path] = {}
"""For each database that is lent filled, the files that come along."""
_ANSWERED_SECONDS = 10
"""As long as a storage that is away keeps its question."""
T = TypeVar("T")


def portal(url: str) -> Flask:
    """Return the portal on a lent database, as if it were new.

    One app serves all tests on an address: it has compiled the statements and templates of earlier
    ones. Tests that change its routes make one of their own.
    """
    if url not in _portals:
        app = create_app(settings(url))
        fragments.use(app, Checked(fragments.MOST))
        _portals[url] = app, dict(app.config)
    app, config = _portals[url]
    shutil.rmtree(str(config["LMS_FILES"]), ignore_errors=True)
    if (files := _brought.get(url)) and files.exists():
        shutil.copytree(files, str(config["LMS_FILES"]))
    app.config.clear()
    app.config.update(config)
    forget(app)
    return app


def _end(url: str) -> None:
    """Close what the portal of an address holds, once its questions of health have their answers.

    The next database there is another one. A question that is answered later gives its connection
    back to a pool that is gone: nobody closes it, and whichever test runs when that is noticed
    fails.
    """
    if url not in _portals:
        return
    for thread in threading.enumerate():
        if thread.name == "question":
            thread.join(_ANSWERED_SECONDS)
    app, _config = _portals[url]
    with app.app_context():
        db.engine.dispose()


def delete_files() -> None:
    """Delete the files of courses of all databases."""
    _files.cleanup()


def forget(app: Flask) -> None:
    """Let the process forget what it has found out about the database of late."""
    for remembered in ("unwritable_until", "first_steps_done", "health", "askers", "waiting_probe"):
        app.extensions.pop(remembered, None)


class Server(Protocol):
    """Lends databases, each to one test."""

    def empty(self) -> AbstractContextManager[str]:
        """Lend the address of a database without any table."""

    def migrated(self) -> AbstractContextManager[str]:
        """Lend the address of a database with all tables and no rows."""

    def filled(self, fill: Callable[[Flask], T]) -> AbstractContextManager[tuple[str, T]]:
        """Lend one that a function has filled, and what it returned: it is called once per worker.

        In a portal's context; files of courses come along.
        """


def settings(url: str) -> dict[str, object]:
    """Return what a test app is made with: nothing of the machine's own configuration."""
    return {
        "TESTING": True,
        "DATABASE_URL": url,
        "SECRET_KEY": "a key for tests alone and long enough for production",
        "LMS_ENV": "development",
        "LMS_CHEAP_HASHES": True,
        "LMS_FILES": str(Path(_files.name) / sha256(url.encode()).hexdigest()),
    }


def migrate(url: str) -> None:
    """Bring a database to the newest schema, as `flask db upgrade` does."""
    app = create_app(settings(url))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


@dataclass(frozen=True)
class _Filled:
    """What a function put into a portal: its files, and what it returned."""

    files: Path
    told: Any

    @classmethod
    def by(cls, fill: Callable[[Flask], object], url: str, files: Path) -> Self:
        app = portal(url)
        with app.app_context():
            told = fill(app)
            db.session.remove()
            db.engine.dispose()
        if (made := Path(app.config["LMS_FILES"])).exists():
            shutil.copytree(made, files)
        return cls(files, told)

    @contextmanager
    def lent(self, url: str) -> Iterator[Any]:
        _brought[url] = self.files
        try:
            yield self.told
        finally:
            del _brought[url]


def _name(fill: Callable[..., object]) -> str:
    return f"{fill.__module__}_{fill.__name__}".replace(".", "_").removeprefix("tests_")


class Sqlite:
    """Copies of a migrated file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._filled: dict[str, _Filled] = {}
        self._lent = 0

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Lend the address of a database without any table."""
        path = self._folder / f"{self._lent}.db"
        self._lent += 1
        try:
            yield f"sqlite:///{path}"
        finally:
            _end(f"sqlite:///{path}")
            self._lent -= 1
            for file in self._folder.glob(f"{path.stem}.*"):  # and the worker's queue beside it
                file.unlink(missing_ok=True)  # the last connection to end removes -wal and -shm

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """Lend the address of a database with all tables and no rows."""
        if not self._template.exists():
            migrate(f"sqlite:///{self._template}")
        with self.empty() as url:
            shutil.copyfile(self._template, url.removeprefix("sqlite:///"))
            yield url

    @contextmanager
    def filled(self, fill: Callable[[Flask], T]) -> Iterator[tuple[str, T]]:
        """Lend one that a function has filled, and what it returned."""
        name = _name(fill)
        template = self._folder / f"{name}.template"
        if name not in self._filled:
            with self.migrated() as url:
                self._filled[name] = _Filled.by(fill, url, self._folder / f"{name}.files")
                shutil.copyfile(url.removeprefix("sqlite:///"), template)
        with self.empty() as url:
            shutil.copyfile(template, url.removeprefix("sqlite:///"))
            with self._filled[name].lent(url) as told:
                yield url, told


class Postgresql:
    """Clones of a migrated database on the session's server."""

    def __init__(self, worker: str) -> None:
        self._name = f"lms_{worker}"
        self._has_template = False
        self._filled: dict[str, _Filled] = {}
        self._lent = 0
        self._known: set[str] = set()
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Lend the address of a database without any table."""
        with self._created("template0") as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """Lend the address of a database with all tables and no rows."""
        template = f"{self._name}_template"
        if not self._has_template:
            self._create(template, "template0")
            migrate(postgres.url(template))
            self._has_template = True
        with self._created(template) as url:
            yield url

    @contextmanager
    def filled(self, fill: Callable[[Flask], T]) -> Iterator[tuple[str, T]]:
        """Lend one that a function has filled, and what it returned."""
        name = _name(fill)
        template = f"{self._name}_{name}"
        if name not in self._filled:
            with self.migrated() as url:
                files = Path(_files.name) / template
                self._filled[name] = _Filled.by(fill, url, files)
                self._create(template, make_url(url).database or "")
        with self._created(template) as url, self._filled[name].lent(url) as told:
            yield url, told

    @contextmanager
    def _created(self, template: str) -> Iterator[str]:
        name = f"{self._name}_{self._lent}"
        self._create(name, template)
        self._lent += 1
        try:
            yield postgres.url(name)
        finally:
            _end(postgres.url(name))
            self._lent -= 1
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, name: str, template: str) -> None:
        if name not in self._known:
            # A server of the person's own may still have what a killed session left.
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self._known.add(name)
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def _execute(self, statement: str) -> None:
        if (
            self._connection is None or self._connection.closed
        ):  # one for all: connecting takes a third as long as cloning
            self._connection = psycopg.connect(postgres.url(), autocommit=True)
        self._connection.execute(statement.encode())

    def close(self) -> None:
        """Let go of the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
