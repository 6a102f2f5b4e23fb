"""The worker's queue: tasks as text, and nothing that whoever writes to it could have run."""

import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from huey import Huey, MemoryHuey
from sqlalchemy import text

from lms import create_app, worker
from lms.db import db, now
from lms.messages.outbox import is_any_due
from lms.worker import add_repairs, queue_of
from tests import databases
from tests.builders import a_student, an_admin
from tests.conftest import Sql


@pytest.fixture
def queue(app: Flask) -> Iterator[Huey]:
    queue = queue_of(app)
    yield queue
    queue.storage.flush_all()
    queue.storage.close()


class _Harm:
    """What a pickle can do when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_task_is_text_and_comes_back_as_it_was(app: Flask, queue: Huey) -> None:
    start = add_repairs(app, queue)
    assert start is not None
    moment = now()
    start(moment)
    [stored] = queue.storage.enqueued_items()
    assert json.loads(bytes(stored))["name"].endswith("repair_at_start")
    task = queue.dequeue()
    assert task.args == (moment,)
    assert task.expires_resolved is not None
    assert queue.dequeue() is None


def test_of_what_huey_logs_only_a_database_that_is_away_is_put_into_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def logged(error: Exception | None) -> tuple[bool, list[str]]:
        caplog.clear()
        about = (type(error), error, None) if error else None
        record = logging.LogRecord("huey", logging.ERROR, "", 1, "Error", None, about)
        return worker._is_news(record), caplog.messages

    assert logged(None) == logged(ValueError("a task that can't be read")) == (True, [])
    assert logged(psycopg.OperationalError("the server\nis gone")) == (
        *(False, ["the queue: the database is away or busy, so this waits (the server is gone)"]),
    )


def test_a_pickle_in_the_queue_is_never_opened(tmp_path: Path, queue: Huey) -> None:
    planted = tmp_path / "planted"
    queue.storage.enqueue(pickle.dumps(_Harm(planted)))
    with pytest.raises(UnicodeDecodeError):
        queue.dequeue()
    assert not planted.exists()


def test_what_a_worker_with_other_settings_left_in_the_queue_is_known(
    app: Flask, queue: Huey, sql: Sql
) -> None:
    key = app.config["SECRET_KEY"]
    app.config["SECRET_KEY"] = f"another key that is long enough,{key}"
    start = add_repairs(app, queue)
    worker._add_sealing(app, queue)
    assert start is not None
    start(now())
    for task in queue._registry.periodic_tasks:
        queue.enqueue(task)

    app.config |= {"SECRET_KEY": key, "LMS_AUTO_FIX_SECONDS": 0}
    later = queue_of(app)
    try:
        assert add_repairs(app, later) is None
        worker._add_sealing(app, later)
        assert not any(task.validate_datetime(now()) for task in later._registry.periodic_tasks)
        left = [later.dequeue() for _ in range(3)]
        assert {task.name for task in left} == {"repair_at_start", "repair", "seal"}
        for task in left:
            later.execute(task)
    finally:
        later.storage.close()
    assert sql("SELECT count(*) FROM sync_runs") == [(0,)]


def test_the_end_of_views_is_a_job_of_its_own(app: Flask, queue: Huey, sql: Sql) -> None:
    with app.app_context():
        admin, student = an_admin(), a_student()
    sql(
        "INSERT INTO sign_ins (token_hash, user_id, expires_at, viewed_id, viewed_until)"
        " VALUES ('x', :admin, '2999-01-01 00:00:00.000000', :student,"
        " '2026-01-01 00:00:00.000000')",
        admin=admin,
        student=student,
    )
    worker._add_rounds(app, queue)
    tasks = {task.name: task for task in queue._registry.periodic_tasks}
    queue.execute(tasks["words"])
    assert sql("SELECT viewed_id FROM sign_ins") == [(student,)]
    queue.execute(tasks["views"])
    assert sql("SELECT viewed_id FROM sign_ins") == [(None,)]


def test_a_database_that_is_away_costs_the_log_one_line_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = create_app(databases.settings(f"postgresql://nobody@/away?host={tmp_path}"))
    queue = MemoryHuey(results=False)
    worker._add(away, queue, worker._never, is_any_due, name="look")
    [task] = queue._registry.periodic_tasks
    caplog.clear()
    queue.execute(task)
    repairing = MemoryHuey(results=False)
    add_repairs(away, repairing)
    [repair] = repairing._registry.periodic_tasks
    repairing.execute(repair)
    assert not worker._asks(away, is_any_due, "the outbox")(now())
    said = [(each.getMessage(), each.exc_info) for each in caplog.records if each.levelno > 20]
    assert [(text.partition(":")[0], exception) for text, exception in said] == [
        ("look", None),
        ("repair", None),
        ("the outbox", None),
    ]
    assert not any("\n" in text for text, _ in said)


def test_a_fault_of_a_task_is_told_whole(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fault() -> bool:
        return bool(db.session.execute(text("SELECT nothing FROM nowhere")))

    assert not worker._asks(app, fault, "nowhere")(now())
    [record] = caplog.records
    assert record.getMessage() == "nowhere couldn't be read"
    assert record.exc_info is not None

    caplog.clear()
    queue = MemoryHuey(results=False)
    worker._add(app, queue, worker._never, fault, name="look")
    [task] = queue._registry.periodic_tasks
    queue.execute(task)
    assert [each for each in caplog.records if each.exc_info is not None]
