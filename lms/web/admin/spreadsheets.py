"""Exports: rows as a file for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from flask import current_app
from werkzeug.wrappers import Response

from lms import accounts
from lms.texts import harmless
from lms.web.session import person
from lms.web.turns import turn


def spreadsheet(name: str, rows: Iterable[Iterable[Any]]) -> Response:
    """Give rows as a CSV file.

    It is whole before any of it is sent: whoever loads it slowly keeps no moment of the
    database, and a file that was cut off is shorter than announced.
    """
    accounts.count_export(person().id)
    file = io.StringIO(newline="")
    with turn():
        csv.writer(file).writerows([harmless(cell) for cell in row] for row in rows)
    return current_app.response_class(
        file.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
