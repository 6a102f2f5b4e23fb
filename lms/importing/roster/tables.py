"""The lines of one CSV, as people, their spreadsheets and their systems write it."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lms.importing.legacy.values import line as one_line
from lms.importing.roster.files import NoRoster, text_of
from lms.texts import without_accents


@dataclass(frozen=True)
class Row:
    """One line, its values under the keys of the columns, without blanks around them."""

    number: int
    values: dict[str, str]
    has_more: bool
    """Whether there are more values than columns."""

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def first(self, columns: Sequence[str]) -> str:
        """Return the first of these that is given."""
        return next(filter(None, map(self.__getitem__, columns)), "")


@dataclass(frozen=True)
class Table:
    """A CSV: the keys of its columns (letters and digits only, in lower case), and its lines."""

    name: str
    columns: list[str]
    rows: list[Row]

    def has(self, *columns: str) -> bool:
        """Return whether it has all of these columns."""
        return set(columns) <= set(self.columns)

    def column(self, *spellings: str) -> str | None:
        """Return the first of the spellings that is there. Raises NoRoster if it is twice."""
        found = next((each for each in spellings if each in self.columns), None)
        if found is not None and self.columns.count(found) > 1:
            raise NoRoster(
                f"The first line names {found} twice. Remove one of the columns and try again."
            )
        return found


def key(column: str) -> str:
    """Return the name of a column as columns are compared."""
    return re.sub(r"[^a-z0-9]", "", without_accents(column))


def table(name: str, content: bytes) -> Table | None:
    """Return the table that a CSV is; None if it is empty. Raises NoRoster."""
    text = text_of(name, content)
    # Excel's own first line, which names the separator.
    stated = re.match(r"\s*sep=(.)\r?\n", text, re.IGNORECASE)
    start = stated.end() if stated else 0
    separator = stated.group(1) if stated else _separator(text)
    reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=separator, strict=True)
    skipped = text[:start].count("\n")
    columns: list[str] | None = None
    rows: list[Row] = []
    try:
        began = 1
        for values in reader:
            number, began = began + skipped, reader.line_num + 1
            cells = [one_line(value) for value in values]
            if not any(cells):
                continue
            if columns is None:
                columns = [key(cell) for cell in cells]
            else:
                has_more = any(cells[len(columns) :])
                rows.append(Row(number, dict(zip(columns, cells, strict=False)), has_more))
    except csv.Error as error:
        line = reader.line_num + skipped
        raise NoRoster(
            f"Line {line} of {name} isn't valid CSV: {error}. Correct the line, or export the file"
            " again."
        ) from None
    return None if columns is None else Table(name, columns, rows)


def _separator(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t|", key=header.count)
