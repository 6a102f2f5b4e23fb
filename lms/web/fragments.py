"""Fragments of pages that depend on their arguments alone are rendered once, not at each request.

A page of fifty rows is rendered for one that has changed; 40 % of its time are macros. What a
fragment shows is nothing but its arguments: were one to read the person, the time or a setting by
itself, it could show a state that is no longer true. All tests render each fragment anew, too.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, request
from flask_wtf.csrf import generate_csrf
from jinja2.runtime import Macro
from markupsafe import Markup

MOST = 2_048
"""Rows that a process remembers, of about 1 KB each, and a few charts; the least used go first.

So a fragment is one row, never a list: of a thousand rows, each change would leave all of them.
"""


def init_app(app: Flask) -> None:
    """Let templates write `{{ fragment(rows.row, row) }}` for `{{ rows.row(row) }}`.

    The macro stands in a template that is imported without context; arguments are hashable.
    """
    # Not while templates are being written: what they import may have changed.
    app.jinja_env.globals["fragment"] = remembering(0 if app.debug else MOST)


def remembering(most: int) -> Callable[..., Markup]:
    """Return a function that calls a macro with values, or knows what it has returned for them."""
    known = lru_cache(most, typed=True)(_rendered)

    def fragment(macro: Macro, *values: Any) -> Markup:
        first, *others = known(request.script_root, macro, *values)
        text = generate_csrf().join([first, *others]) if others else first
        return Markup(text)  # noqa: S704 - what macros have escaped  # nosec B704

    return fragment


def _rendered(_root: str, macro: Macro, *values: Any) -> list[str]:
    """Return a fragment as the texts between the tokens of its forms, which are this request's.

    Addresses in it begin with the root under which the portal was asked.
    """
    return str(macro(*values)).split(generate_csrf())
