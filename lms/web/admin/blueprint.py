"""The admins' pages share one blueprint, which lets only admins in."""

from collections.abc import Callable, Collection
from functools import cache
from typing import Any, ParamSpec

from flask import Blueprint
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from lms.live import Topic
from lms.queries.connection import admin_counts
from lms.web import live as pages
from lms.web.session import require

P = ParamSpec("P")

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(require("admin"))


def live(
    *topics: Topic,
    settled: Callable[[], Collection[Topic]] = tuple,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Make a page live, and with it the counts that the navigation of every page shows."""
    counted: tuple[Topic, ...] = ("requests", "payments", "sync")
    return pages.live(*dict.fromkeys((*topics, *counted)), settled=settled)


@bp.app_context_processor
def counts() -> dict[str, Any]:
    """Give the navigation the counts for an admin, if the page shows them.

    Counted when the template asks: neither a 304 nor a student's page pays for it.
    """
    return {"waiting": LocalProxy(cache(admin_counts))}
