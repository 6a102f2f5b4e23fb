"""Exports: rows as a file for a spreadsheet."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO, Any

from flask import current_app
from werkzeug.wrappers import Response

from lms.web.turns import turn

IN_ONE_PIECE = 1_000_000
"""Bytes of a file up to which it leaves at once."""
_PIECE = 65_536


def spreadsheet(name: str, rows: Iterable[Iterable[Any]]) -> Response:
    """Give rows as a CSV file.

    It is whole before any of it is sent: who loads it slowly keeps no moment of the database, and
    a file that was cut off is shorter than announced. A large one is sent by a thread of ours, so
    its turn lasts until then.
    """
    with ExitStack() as opened:
        opened.enter_context(turn())
        file = opened.enter_context(tempfile.SpooledTemporaryFile(IN_ONE_PIECE))
        text = io.TextIOWrapper(file, "utf-8", newline="")
        csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
        text.detach()  # which flushes
        size = file.tell()
        file.seek(0)
        response = current_app.response_class(
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={name}"},
        )
        if size <= IN_ONE_PIECE:
            response.set_data(file.read())
        else:
            until_sent = opened.pop_all()
            response.response = _pieces(file, until_sent)
            response.content_length = size
            response.call_on_close(until_sent.close)  # of HEAD, not a piece is asked for
    return response


def _pieces(file: IO[bytes], until_sent: ExitStack) -> Iterator[bytes]:
    with until_sent:
        yield from iter(lambda: file.read(_PIECE), b"")


def _harmless(cell: Any) -> Any:
    # A spreadsheet would run a title such as '=HYPERLINK(...)' as a formula.
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell


_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
