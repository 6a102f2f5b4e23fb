"""What a person types into a search field, as SQL.

Accents and case are ignored both ways: 'francois' finds 'François', and so does 'FRANÇOIS'.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement, SQLColumnExpression, and_, bindparam, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from lms.models import User
from lms.texts import without_accents

Searched = SQLColumnExpression[str] | SQLColumnExpression[str | None] | type[User]
"""A column, or people by their names and addresses."""
_LATIN_GREEK_CYRILLIC = (*range(0x41, 0x530), *range(0x1E00, 0x2000))


def matches(q: str, *searched: Searched) -> ColumnElement[bool]:
    """Find rows in which each word occurs somewhere; `%` and `_` are ordinary characters."""
    return and_(true(), *(or_(*(_finds(each, word) for each in searched)) for word in q.split()))


def has_any_word(words: Iterable[str]) -> ColumnElement[bool]:
    """Find people with one of the words in their names, and those not written down for searches.

    However many words there are, each person is looked at once.
    """
    wanted = json.dumps(sorted(map(without_accents, words)))
    return or_(is_among(User.words, _bound(wanted)), User.words.is_(None))


def _finds(searched: Searched, word: str) -> ColumnElement[bool]:
    if isinstance(searched, type):
        return _finds_person(word)
    # No database ignores accents by itself on every server: the patterns name all letters that
    # count as the same.
    letters = [_plain(letter) for letter in unicodedata.normalize("NFC", word)]
    glob = "".join(_same(letter) or re.sub(r"[*?[]", r"[\g<0>]", letter) for letter in letters)
    expression = "".join(_same(letter) or re.escape(letter) for letter in letters)
    like = f"%{_escaped(''.join(letters))}%"
    return resembles(searched, *map(_bound, (like, f"*{glob}*", expression)))


def _finds_person(word: str) -> ColumnElement[bool]:
    plain = without_accents(word)
    written = includes(User.words, *map(_bound, (plain, f"%{_escaped(plain)}%")))
    return or_(written, and_(User.words.is_(None), matches(word, User.name, User.email)))


class _Condition(FunctionElement[bool]):
    type = Boolean()

    def self_group(self, against: object = None) -> Self:
        """Stand as it is: SQLAlchemy would ask SQLite whether it equals 1."""
        return self


class includes(_Condition):  # noqa: N801 - called like any SQL function
    """Whether a text includes another; which is also given as a pattern of LIKE."""

    name = "includes"
    inherit_cache = True


class resembles(_Condition):  # noqa: N801
    """Whether a text matches a pattern of LIKE or, if not all ASCII, of GLOB or the expression.

    LIKE ignores the case of ASCII letters on both databases, and is several times as fast.
    """

    name = "resembles"
    inherit_cache = True


class is_among(_Condition):  # noqa: N801
    """Whether one of the words of a text is in a list, which is given as JSON."""

    name = "is_among"
    inherit_cache = True


@compiles(is_among, "sqlite")
def _is_among_on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, words = (compiler.process(each, **options) for each in element.clauses)
    quoted = f"json_quote(replace({text}, ',', ' '))"
    each = f"json_each('[' || replace({quoted}, ' ', '\",\"') || ']')"
    wanted = f"SELECT wanted.value FROM json_each({words}) AS wanted"  # noqa: S608  # nosec B608
    return f"EXISTS (SELECT 1 FROM {each} AS word WHERE word.value IN ({wanted}))"  # noqa: S608  # nosec B608


@compiles(is_among, "postgresql")
def _is_among_on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, words = (compiler.process(each, **options) for each in element.clauses)
    each = f"unnest(string_to_array(replace({text}, ',', ' '), ' '))"
    wanted = f"SELECT json_array_elements_text(CAST({words} AS JSON))"
    return f"EXISTS (SELECT 1 FROM {each} AS word WHERE word IN ({wanted}))"  # noqa: S608  # nosec B608


@compiles(includes, "sqlite")
def _includes_on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    text, part, _ = (compiler.process(each, **options) for each in element.clauses)
    return f"instr({text}, {part}) > 0"


@compiles(includes, "postgresql")
def _includes_on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, _, like = element.clauses
    text, pattern = (compiler.process(each, **options) for each in (column, like))
    return f"{text} LIKE {pattern} ESCAPE '/'"  # which an index of trigrams serves


@compiles(resembles, "sqlite")
def _resembles_on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, like, glob, _ = element.clauses
    text, plain, other = (compiler.process(each, **options) for each in (column, like, glob))
    is_other = f"length(CAST({text} AS BLOB)) > length({text})"
    return f"({text} LIKE {plain} ESCAPE '/' OR {is_other} AND {text} GLOB {other})"


@compiles(resembles, "postgresql")
def _resembles_on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, like, _, expression = element.clauses
    text, plain, other = (compiler.process(each, **options) for each in (column, like, expression))
    is_other = f"octet_length({text}) > length({text})"
    return f"({text} ILIKE {plain} ESCAPE '/' OR {is_other} AND {text} ~ {other})"


def _bound(text: str) -> ColumnElement[str]:
    return bindparam(None, text)


def _escaped(word: str) -> str:
    return re.sub(r"([%_/])", r"/\1", word)


def _same(letter: str) -> str:
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
    plain = without_accents(letter)
    return plain if len(plain) == 1 else letter.lower()
