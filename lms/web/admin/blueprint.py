"""The admins' pages share one blueprint, which lets only admins in."""

from functools import cache
from typing import Any

from flask import Blueprint
from werkzeug.local import LocalProxy

from lms.queries.connection import requests_waiting
from lms.web.session import require

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(require("admin"))


@bp.app_context_processor
def waiting_badge() -> dict[str, Any]:
    """Tell the navigation how many requests wait, should the page show it.

    Counted when the template asks: neither a 304 nor a student's page pays for it.
    """
    return {"pending_requests": LocalProxy(cache(requests_waiting))}
