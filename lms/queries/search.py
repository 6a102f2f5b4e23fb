"""What a person types into a search field, as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute


def matches(q: str, *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Find rows in which each word occurs in one of the columns, whatever its case.

    `%` and `_` are ordinary characters.
    """
    return and_(
        true(), *(or_(*(_contains(column, word) for column in columns)) for word in q.split())
    )


def _contains(column: InstrumentedAttribute[Any], word: str) -> ColumnElement[bool]:
    # SQLite folds the case of ASCII alone: 'özgür' finds 'Özgür' and 'ÖZGÜR' by their spellings.
    spellings = {word}
    if not word.isascii():
        spellings |= {word.lower(), word.title(), word.upper()}
    return or_(*(column.icontains(spelling, autoescape=True) for spelling in sorted(spellings)))
