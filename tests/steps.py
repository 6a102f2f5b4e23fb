"""How much work SQLite has with statements: its own steps, which tell nothing of the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

EACH = 10
"""SQLite tells of no fewer, and counts anew for each statement."""


@contextmanager
def steps_of(driver: Any) -> Iterator[list[None]]:
    """Add an item for each ten steps of a connection of the driver."""
    tens: list[None] = []
    driver.set_progress_handler(lambda: tens.append(None), EACH)
    try:
        yield tens
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def steps_within(engine: Engine) -> Iterator[list[None]]:
    """Add an item for each ten steps of all connections that an engine opens."""
    tens: list[None] = []

    def count(driver: Any, _record: object) -> None:
        driver.set_progress_handler(lambda: tens.append(None), EACH)

    event.listen(engine, "connect", count)
    engine.dispose()  # those of writers are in a pool of their own, which is made like this one
    try:
        yield tens
    finally:
        event.remove(engine, "connect", count)
        engine.dispose()
