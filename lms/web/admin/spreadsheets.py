"""Exports: rows as a file for a spreadsheet.

The columns of a list are the fields of its read model, so that a field added there is exported,
too. Amounts are in the currency's own units, times by the school's clocks with their offset: a
file goes from hand to hand.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import current_app
from werkzeug.wrappers import Response

from lms import accounts
from lms.db import now
from lms.money import plain
from lms.texts import harmless
from lms.times import local
from lms.web import behind
from lms.web.admin.blueprint import bp
from lms.web.admin.filters import filtered
from lms.web.school import school
from lms.web.sent_files import SentFile
from lms.web.session import person, require_proof
from lms.web.turns import turn
from lms.web.zones import booked_in, typed_in

_CENTS = "_cents"


def export(
    name: str,
    shape: type,
    rows: Callable[[], Iterable[Any]],
    *,
    first: tuple[str, ...] = ("id",),
    called: Mapping[str, str] | None = None,
) -> Response:
    """Give the rows of a list, read models of one shape, to an admin who has lately proved it.

    `rows` reads them: from a standby, if there is one that has all that was committed before.
    `first` are the fields that lead, where they do not in the read model; `called` has the
    headings of columns that are not called as their fields are.
    """
    require_proof()
    names = [field.name for field in fields(shape)]
    names.sort(key=lambda name: first.index(name) if name in first else len(first))
    here = school().time_zone
    booked_in(now())  # so that the clocks of the books are known before rows are streamed
    return spreadsheet(f"{name}.csv", lambda: _table(names, rows(), called or {}, here))


def spreadsheet(name: str, rows: Callable[[], Iterable[Iterable[Any]]]) -> Response:
    """Give rows as a CSV file.

    It is whole before any of it is sent: whoever loads it slowly keeps no moment of the
    database, and a file that was cut off is shorter than announced. It is on the disk, since it
    may have millions of rows.
    """
    accounts.count_export(person().id)
    with turn():
        sent = SentFile()
        behind.read(lambda: _write(sent, rows()))
    return current_app.response_class(
        sent,
        mimetype="text/csv",
        headers={
            "Content-Disposition": f"attachment; filename={name}",
            "Content-Length": str(sent.length),
        },
        direct_passthrough=True,
    )


@bp.context_processor
def exports() -> dict[str, Any]:
    """Let pages link to their exports."""
    return {"export_address": lambda view, **values: filtered(f"admin.{view}", **values)}


def _write(sent: SentFile, rows: Iterable[Iterable[Any]]) -> None:
    with sent.path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([harmless(cell) for cell in row] for row in rows)


def _table(
    names: list[str], rows: Iterable[Any], called: Mapping[str, str], here: str
) -> Iterator[tuple[Any, ...]]:
    yield tuple(called.get(name, name.removesuffix(_CENTS)) for name in names)
    for row in rows:
        yield tuple(_cell(row, name, here) for name in names)


def _cell(row: Any, name: str, here: str) -> Any:
    value = getattr(row, name)
    if name.endswith(_CENTS):
        return Decimal(plain(value, row.currency))
    if name == "currency":
        return value.upper()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local(value, (typed_in(row) if name == "paid_at" else "") or here).isoformat()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
