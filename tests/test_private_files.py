"""What the portal keeps in files is for its own user of the machine alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask

from lms import config, create_app, worker
from lms.db import db
from tests.databases import settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="others have no such modes")


@pytest.fixture
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _migrated(path: Path) -> Flask:
    app = create_app(settings(f"sqlite:///{path}"))
    with app.app_context():
        flask_migrate.upgrade()
    return app


@pytest.mark.usefixtures("_usual_umask")
def test_nobody_else_reads_the_database_or_the_queue(tmp_path: Path) -> None:
    app = _migrated(tmp_path / "lms.db")
    with app.app_context(), db.engine.connect():
        queue = worker.queue_of(app)
        queue.storage.enqueue(b"")
        modes = {path.name: _mode(path) for path in tmp_path.iterdir()}
        queue.storage.close()
        db.engine.dispose()
    assert {"lms.db", "lms.db-wal", "lms.db-shm", "lms.queue"} <= modes.keys()
    assert set(modes.values()) == {0o600}


@pytest.mark.usefixtures("_usual_umask")
def test_what_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "lms.db"
    path.touch()
    path.chmod(0o640)
    app = _migrated(path)
    with app.app_context():
        db.engine.dispose()
    assert _mode(path) == 0o640


@pytest.mark.usefixtures("_usual_umask")
def test_a_new_instance_folder_is_closed_to_others(tmp_path: Path) -> None:
    config.load(str(tmp_path / "instance"))
    assert _mode(tmp_path / "instance") == 0o700
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    config.load(str(shared))
    assert _mode(shared) == 0o755
