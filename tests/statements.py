"""The SQL statements that the portal sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Engine, event


class Statement(NamedTuple):
    """A statement and its values, as the driver gets them."""

    text: str
    values: Any


@contextmanager
def sent_to(engine: Engine) -> Iterator[list[Statement]]:
    """List what is sent while a block runs, except for what begins a transaction or sets it up."""
    sent: list[Statement] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if not text.startswith(("BEGIN", "PRAGMA")):
            sent.append(Statement(text, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
