"""The worker's queue: tasks as text, and nothing that whoever writes to it could have run."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from huey import Huey

from lms.db import now
from lms.worker import add_repairs, queue_of


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


def test_a_pickle_in_the_queue_is_never_opened(tmp_path: Path, queue: Huey) -> None:
    planted = tmp_path / "planted"
    queue.storage.enqueue(pickle.dumps(_Harm(planted)))
    with pytest.raises(UnicodeDecodeError):
        queue.dequeue()
    assert not planted.exists()
