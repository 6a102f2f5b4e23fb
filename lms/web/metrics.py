"""GET /metrics: requests and their durations of all workers, and what waits in the school."""

import time
from hmac import compare_digest

from flask import Blueprint, Flask, current_app, g, request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from lms import questions
from lms.db import engines
from lms.metrics import count_connections, exposition, observe
from lms.web import school_metrics
from lms.web.session import is_admin

bp = Blueprint("metrics", __name__)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@bp.get("/metrics")
def metrics() -> Response:
    """Answer admins, and whoever has the METRICS_TOKEN.

    The caller's address proves nothing: behind a proxy on the same machine everybody is local.
    """
    deadline = questions.deadline()
    if not _has_token() and not is_admin():
        raise Forbidden("Sign in as an admin, or send METRICS_TOKEN as a bearer token.")
    figures = exposition() + school_metrics.exposition(deadline)
    return current_app.response_class(figures, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def init_app(app: Flask) -> None:
    """Measure every request; first of all, so that the time of the others counts."""
    with app.app_context():
        for setting, engine in engines().items():
            count_connections(setting, engine)

    @app.before_request
    def start_clock() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        # The route and not the path: a crawler must not be able to fill the memory.
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        observe(method, route, response.status_code, time.perf_counter() - g.began)
        return response


def _has_token() -> bool:
    expected = current_app.config["METRICS_TOKEN"]
    given = request.authorization
    if not expected or given is None or given.type != "bearer":
        return False
    return compare_digest(expected.encode(), (given.token or "").encode("utf-8", "replace"))
