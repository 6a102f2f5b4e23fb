"""Fragments of pages that depend on their arguments alone are rendered once, not at each request.

A page of fifty rows is rendered for one that has changed; 40 % of its time are macros. What a
fragment shows is nothing but its arguments: were one to read the person, the time or a setting by
itself, it could show a state that is no longer true. All tests render each fragment anew, too.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from flask import Flask, request
from flask_wtf.csrf import generate_csrf
from jinja2.runtime import Macro
from markupsafe import Markup

from lms.web.zones import zone

MOST = 2_048
"""Rows that a process remembers, of about 1 KB each, and a few charts; the least used go first.

So a fragment is one row, never a list: of a thousand rows, each change would leave all of them.
"""


class Fragments:
    """Remembers what macros have returned for which arguments."""

    def __init__(self, most: int) -> None:
        self._known = lru_cache(most, typed=True)(_rendered)

    def one(self, macro: Macro, *values: Any) -> Markup:
        """Return what the macro makes of the values."""
        return _together([self.texts(request.script_root, zone(), macro, *values)])

    def each(self, macro: Macro, rows: Iterable[Any], *values: Any) -> Markup:
        """Return what the macro makes of each row and the values, one after the other.

        A row that takes several arguments is a tuple. Calls from a loop in the template cost more
        than all else about rows that are known.
        """
        root, there, texts = request.script_root, zone(), self.texts
        return _together(
            texts(root, there, macro, *(row if isinstance(row, tuple) else (row,)), *values)
            for row in rows
        )

    def texts(self, root: str, there: str, macro: Macro, *values: Any) -> Sequence[str]:
        """Return a fragment as the texts between the tokens of its forms, which are the request's.

        Addresses in it begin with the root under which the portal was asked; times are those of
        the zone in which the person is told them.
        """
        return self._known(root, there, macro, *values)


def init_app(app: Flask) -> None:
    """Let templates write `{{ fragment(rows.row, row) }}` for `{{ rows.row(row) }}`.

    And `{{ fragments(rows.row, all_rows) }}` for a loop of them. The macro stands in a template
    that is imported without context; arguments are hashable.
    """
    # Not while templates are being written: what they import may have changed.
    use(app, Fragments(0 if app.debug else MOST))


def use(app: Flask, fragments: Fragments) -> None:
    """Have an application's templates ask these."""
    app.jinja_env.globals.update(fragment=fragments.one, fragments=fragments.each)


def _rendered(_root: str, _zone: str, macro: Macro, *values: Any) -> list[str]:
    return str(macro(*values)).split(generate_csrf())


def _together(fragments: Iterable[Sequence[str]]) -> Markup:
    known = list(fragments)
    token = generate_csrf() if any(len(texts) > 1 for texts in known) else ""
    parts = (token.join(texts) for texts in known)
    return Markup("".join(parts))  # noqa: S704 - what macros have escaped  # nosec B704
