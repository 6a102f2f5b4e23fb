"""The SQL statements that the portal sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, NamedTuple

from sqlalchemy import Engine, event


class Statement(NamedTuple):
    """A statement and its values, as the driver gets them."""

    text: str
    values: Any


@contextmanager
def sent_to(engine: Engine, *, only_here: bool = False) -> Iterator[list[Statement]]:
    """List what is sent while a block runs, except for what begins a transaction or sets it up.

    `only_here` leaves out what other threads send: questions of an earlier request, asked late.
    """
    sent: list[Statement] = []
    here = get_ident()

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        if only_here and get_ident() != here:
            return
        if not text.startswith(("BEGIN", "PRAGMA")):
            sent.append(Statement(text, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
