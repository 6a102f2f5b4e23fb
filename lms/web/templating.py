"""The environment of the pages' templates."""

from collections.abc import MutableMapping
from typing import Any

from flask import Flask
from flask.templating import Environment


class SharedGlobals(Environment):
    """All templates know the same names.

    Jinja lays a map of each template's own names over them, and looks through it name by name for
    every import of every page: three in a hundred of a page's time.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the names that a template knows: everybody's, if it has none of its own."""
        return super().make_globals(d) if d else self.globals


def init_app(app: Flask) -> None:
    """Use it; before anything asks for the environment."""
    app.jinja_environment = SharedGlobals
