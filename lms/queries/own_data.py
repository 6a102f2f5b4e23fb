"""All that is kept of one person, as a ZIP of JSON and CSV that they can read."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from io import TextIOWrapper
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Select, select

from lms.db import Base, db, now
from lms.ledger.known_person import emails_to
from lms.models import Chapter, Course, User
from lms.models.personal import KEPT, ME, Kept
from lms.refusals import UserNotFound
from lms.texts import counted, harmless

_BATCH = 500
_TITLES: dict[str, tuple[str, type[Any]]] = {
    "course_id": ("course", Course),
    "chapter_id": ("chapter", Chapter),
}
"""What is added to a number that says little by itself."""
_YOURS = (
    ("the person's", "your"),
    ("the person", "you"),
    ("the account exists", "your account exists"),
)
_README = """Your data

This is what {school} keeps about you, {name} <{email}>, as of {moment:%Y-%m-%d %H:%M} UTC.

Each kind of data comes twice, with the same content: as JSON, for programs, and as CSV, for
spreadsheets. Times are UTC; amounts are in the smallest unit of their currency (490 is 4.90 euros).
{files}
Not in these files

{left_out}"""


def write_archive(
    file: IO[bytes],
    user_id: int,
    *,
    school: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Write all that is kept of a person to a ZIP, a few rows at a time.

    All of it is of one moment. Raises UserNotFound.
    """
    person = db.session.execute(_person(), {"me": user_id}).one_or_none()
    if person is None:
        raise UserNotFound
    emails = emails_to(db.session(), user_id)
    files = [kept for kept in KEPT if kept.file]
    counts: dict[str, int] = {}
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for number, kept in enumerate(files):
            progress(number, len(files))
            with archive.open(f"{kept.file}.json", "w") as raw:
                _write_json(raw, _rows(kept, user_id, emails))
            with archive.open(f"{kept.file}.csv", "w") as raw:
                counts[kept.file] = _write_csv(raw, kept, _rows(kept, user_id, emails))
        text = _README.format(
            school=school,
            name=person.name,
            email=person.email,
            moment=now(),
            files="".join(_about(kept, counts[kept.file]) for kept in files),
            left_out=_left_out(),
        )
        archive.writestr("README.txt", text)
    progress(len(files), len(files))


def _about(kept: Kept, rows: int) -> str:
    said = f"\n{kept.file}.json, {kept.file}.csv ({counted(rows, 'row')})\n"
    said += f"    {kept.what}.\n    Kept: {kept.until}. Seen by: {kept.seen_by}.\n"
    for why, names in kept.reasons.items():
        said += f"    Without: {', '.join(names)} ({why}).\n"
    return _to_you(said)


def _left_out() -> str:
    kinds = (f"{kept.what}: {kept.left_out['*']}.\n" for kept in KEPT if not kept.file)
    return _to_you("".join(kinds))


def _to_you(text: str) -> str:
    """Let what the school's own record says of a person speak to that person."""
    for theirs, yours in _YOURS:
        text = text.replace(theirs, yours)
    return text


def _write_json(raw: IO[bytes], rows: Iterator[dict[str, Any]]) -> None:
    with TextIOWrapper(raw, "utf-8", newline="\n") as file:
        between = "[\n"
        for row in rows:
            file.write(between + json.dumps(row, ensure_ascii=False, indent=1))
            between = ",\n"
        file.write("[]\n" if between == "[\n" else "\n]\n")


def _write_csv(raw: IO[bytes], kept: Kept, rows: Iterator[dict[str, Any]]) -> int:
    number = 0
    # Spreadsheets take a file for UTF-8 by its mark.
    with TextIOWrapper(raw, "utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list(_selected(kept).selected_columns.keys()))
        for row in rows:
            writer.writerow([harmless(_cell(value)) for value in row.values()])
            number += 1
    return number


def _rows(kept: Kept, user_id: int, emails: list[int]) -> Iterator[dict[str, Any]]:
    found = db.session.execute(
        _selected(kept),
        {"me": user_id, "my_emails": emails},
        execution_options={"yield_per": _BATCH},
    )
    for row in found:
        yield {name: _plain(value) for name, value in zip(found.keys(), row, strict=True)}


@cache
def _selected(kept: Kept) -> Select[Any]:
    columns: list[Any] = []
    for name in kept.exported:
        column = getattr(kept.table, name)
        columns.append(column)
        if name in _TITLES and "course_title" not in kept.exported:
            label, of = _TITLES[name]
            title = select(of.title).where(of.id == column).scalar_subquery()
            columns.append(title.label(label))
    order = Base.metadata.tables[kept.table.__tablename__].primary_key
    return select(*columns).where(kept.is_mine()).order_by(*order)


@cache
def _person() -> Select[Any]:
    found: Any = select(User.name, User.email).where(User.id == ME)
    return found  # type: ignore[no-any-return]  # a Select


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
