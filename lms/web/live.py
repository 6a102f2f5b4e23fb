"""Live pages: a poll asks for the page's own address and gets 304 until something it shows changes.

`@live("catalogue")` on a view makes its page live: the page's ETag is made of the versions of the
person and of the topics, which the session's own row and one more statement tell. A poll is marked
by the header `X-Live`; `base.html` then leaves out the shell around the live parts.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from flask import Flask, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lms.db import db, now
from lms.live import Topic, version
from lms.web.session import person

P = ParamSpec("P")


def live(
    *topics: Topic,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Make a page refresh by itself when one of the topics, or the person's own data, changes."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def refreshed(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            tag = etag(topics)
            if is_poll() and request.if_none_match.contains_weak(tag):
                return unchanged(tag)
            g.live_etag = tag
            response = make_response(view(*args, **kwargs))
            # Only polls are tagged: a whole page also shows flash messages and a CSRF token.
            return tagged(response, tag) if is_poll() else response

        return refreshed

    return decorate


def is_poll() -> bool:
    """Return whether the page asks for its own news."""
    return bool(request.headers.get("X-Live"))


def etag(topics: tuple[Topic, ...]) -> str:
    """Return the tag of what this person would be shown about the topics.

    Read before the data it stands for: a change in between makes the next poll fetch again. So does
    another day, since figures are those of the last days.
    """
    user = person()
    build = current_app.config["LIVE_BUILD"]
    seen = version(db.session(), topics)
    shown = f"{build}.{now().date()}.{user.id}.{user.version}.{seen}"
    return hashlib.sha256(shown.encode()).hexdigest()[:24]


def unchanged(tag: str) -> Response:
    """Answer that nothing has changed, without a body."""
    return tagged(current_app.response_class(status=304), tag)


def tagged(response: Response, tag: str) -> Response:
    """Mark an answer with its tag, for the asking browser alone."""
    # Weak: the same news, not the same bytes, which differ by compression and CSRF token.
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "X-Live"))
    return response


def init_app(app: Flask) -> None:
    """Tell templates how to poll, and polls of an older release that the page has changed."""
    app.config["LIVE_BUILD"] = _build(Path(app.root_path), Path(str(app.template_folder)))

    @app.context_processor
    def live_settings() -> dict[str, Any]:
        if (tag := g.get("live_etag")) is None:
            return {}
        settings = {"seconds": app.config["LMS_POLL_SECONDS"], "etag": f'"{tag}"'}
        return {"live": settings}


def _build(package: Path, templates: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *(package / templates).rglob("*.html")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
