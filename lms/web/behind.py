"""What pages, calls and exports read from a standby, and how they say how old it is."""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, g
from werkzeug.wrappers import Response

from lms import standby
from lms.web import live

R = TypeVar("R")

HEADER = "As-Of"
"""Until when all changes are in an answer that was read from a standby, ISO 8601."""


def read(act: Callable[[], R], *, may_lag: bool = False) -> R:
    """Return what an answer shows, from the standby where that is possible.

    Where the standby lacks a change that the primary has, the answer gets no ETag: with one, the
    next poll would be told that nothing has changed, and the page would stay as it is.
    """
    found = standby.read(act, topics=live.topics(), may_lag=may_lag)
    if found.as_of is not None:
        g.as_of = found.as_of
        live.shows(found.seen)
    return found.value


def init_app(app: Flask) -> None:
    """Tell programs how old an answer is; pages say it themselves."""

    @app.after_request
    def say(response: Response) -> Response:
        if (as_of := g.get("as_of")) is not None:
            response.headers[HEADER] = as_of.isoformat(timespec="seconds").replace("+00:00", "Z")
        return response
