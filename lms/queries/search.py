"""What a person types into a search field, as SQL.

Accents and case are ignored both ways: 'francois' finds 'François', and so does 'FRANÇOIS'. No
database does that by itself on every server, so the pattern names all letters that count as equal.
"""

import re
import unicodedata
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, SQLColumnExpression, and_, bindparam, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_LATIN_GREEK_CYRILLIC = (*range(0x41, 0x530), *range(0x1E00, 0x2000))
_WITH_A_STROKE = str.maketrans("øłđħŧı", "oldhti")  # to Unicode these are letters of their own


def matches(q: str, *columns: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Find rows in which each word occurs in one of the columns.

    `%` and `_` are ordinary characters.
    """
    return and_(
        true(), *(or_(*(_contains(column, word) for column in columns)) for word in q.split())
    )


def _contains(column: SQLColumnExpression[str], word: str) -> ColumnElement[bool]:
    letters = [_plain(letter) for letter in unicodedata.normalize("NFC", word)]
    like = re.sub(r"([%_/])", r"/\1", "".join(letters))
    glob = "".join(_one_of(letter) or re.sub(r"[*?[]", r"[\g<0>]", letter) for letter in letters)
    expression = "".join(_one_of(letter) or re.escape(letter) for letter in letters)
    patterns = (f"%{like}%", f"*{glob}*", expression)
    return occurs(column, *(bindparam(None, pattern) for pattern in patterns))


class occurs(FunctionElement[bool]):  # noqa: N801 - called like any SQL function
    """Whether a text matches a pattern of LIKE or, if not all ASCII, of GLOB or the expression.

    LIKE ignores the case of ASCII letters on both databases, and is several times as fast.
    """

    name = "occurs"
    type = Boolean()
    inherit_cache = True


@compiles(occurs, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, like, glob, _ = element.clauses
    text, plain, other = (compiler.process(each, **options) for each in (column, like, glob))
    is_other = f"length(CAST({text} AS BLOB)) > length({text})"
    return f"({text} LIKE {plain} ESCAPE '/' OR {is_other} AND {text} GLOB {other})"


@compiles(occurs, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, like, _, expression = element.clauses
    text, plain, other = (compiler.process(each, **options) for each in (column, like, expression))
    is_other = f"octet_length({text}) > length({text})"
    return f"({text} ILIKE {plain} ESCAPE '/' OR {is_other} AND {text} ~ {other})"


def _one_of(letter: str) -> str:
    """Return the class of all letters that count as this one; blank if it is the only one."""
    found = _equals().get(letter, "")
    return f"[{found}]" if found else ""


@cache
def _equals() -> dict[str, str]:
    found: dict[str, str] = {}
    for letter in filter(str.isalpha, map(chr, _LATIN_GREEK_CYRILLIC)):
        found[_plain(letter)] = found.get(_plain(letter), "") + letter
    return {plain: letters for plain, letters in found.items() if len(letters) > 1}


def _plain(letter: str) -> str:
    """Return the letter without accent and case; as it is where that makes several of one."""
    bare = [
        part
        for part in unicodedata.normalize("NFD", letter.casefold())
        if not unicodedata.combining(part)
    ]
    return bare[0].translate(_WITH_A_STROKE) if len(bare) == 1 else letter.lower()
