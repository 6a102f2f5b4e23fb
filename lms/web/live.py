"""Live pages: a poll requests the page's own address and gets 304 until something shown changes.

`@live("catalogue")` on a view makes its page live: the page's ETag is made of the versions of the
person and of the topics, which the statement that finds the person tells.

A poll is marked by the header `X-Live`, in which the page says which live parts it shows, each with
the fingerprint that it came with: `queue=6b1f0c,bell=9d42aa`. Only parts that differ are sent.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, get_args

from flask import Flask, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from lms.db import now
from lms.live import Topic
from lms.web.security import NOT_KEPT
from lms.web.session import person, read_together, version_of, with_settings

P = ParamSpec("P")
HEADERS = {"Cache-Control": NOT_KEPT, "Vary": "Cookie, X-Live, Accept-Encoding"}
"""Who may keep a tagged answer: the script or program that asked, no cache."""
_TOPICS = dict(zip("abcdefghijklmnopqrstuvwxyz", get_args(Topic), strict=False))
_LETTERS = {topic: letter for letter, topic in _TOPICS.items()}
_SENT = re.compile(rf'(?:W/)?"[0-9a-f]{{24}}_([{"".join(_TOPICS)}]*)"')


class Asking(NamedTuple):
    """A person, as far as the tag depends on who is asking."""

    id: int
    role: str
    version: int
    """Raised by each change that concerns this person."""
    viewer: int | None = None
    """The admin who sees the portal as this person: no page of one is the other's."""
    calendar: str = ""
    """The school's day, and the month of its books."""


def live(
    *topics: Topic,
    settled: Callable[[], Collection[Topic]] = tuple,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Make a page refresh when one of the topics, or the person's own data, changes.

    `settled` names those of them by which nothing that this request shows can change any more.
    """

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def refreshed(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            done = settled()
            tag = begin(tuple(topic for topic in topics if topic not in done))
            if is_poll() and request.if_none_match.contains_weak(tag):
                return unchanged(tag)
            response = make_response(view(*args, **kwargs))
            if response.status_code != 200:
                return response
            tag = g.live_etag  # the view may have taken it away
            page = response.get_data(as_text=True)
            if not is_poll():
                response.set_data(_marked(page))
                return response
            if not tag:
                response.set_data(_news(page))
                response.headers.update(HEADERS)
                return response
            # Only polls are tagged: a whole page also shows flash messages and a CSRF token.
            if news := _news(page):
                response.set_data(news)
                return tagged(response, tag)
            return tagged(current_app.response_class(status=204), tag)

        read_together(refreshed, topics)
        return refreshed

    return decorate


def never_unchanged() -> None:
    """Have this answer not be tagged, so that the next poll is answered anew.

    What it shows changes without a version, or is old already.
    """
    g.live_etag = ""


def is_poll() -> bool:
    """Return whether the request is a poll."""
    return bool(request.headers.get("X-Live"))


def begin(topics: tuple[Topic, ...]) -> str:
    """Return the tag of what this person is shown about the topics, and remember it.

    Read before the data it stands for: a change in between makes the next poll fetch again.
    """
    topics = with_settings(topics)
    user, seen = person(), version_of(topics)
    asking = Asking(user.id, user.role, user.version, user.viewer_id, user.calendar)
    tag = tag_of(current_app, topics, asking, seen)
    g.live_topics, g.live_version, g.live_etag = topics, seen, tag
    return tag


def topics() -> tuple[Topic, ...]:
    """Return the topics of the answer being made; none if it has no tag."""
    asked: tuple[Topic, ...] = g.get("live_topics", ())
    return asked


def shows(version: int) -> None:
    """Have the answer not be taken for the newest, if it is of an earlier version of its topics."""
    if topics() and version < g.live_version:
        never_unchanged()


def tag_of(app: Flask, topics: tuple[Topic, ...], user: Asking, seen: int) -> str:
    """Return the tag of what a person sees when the topics' versions sum up to `seen`.

    It names the topics, so that a poll can be answered before Flask knows which page it is. On
    another day it is another one, since figures are those of the last days; and in another month
    of the books, which may begin at any hour.
    """
    when = f"{now().date()}.{user.calendar}"
    who = f"{user.id}.{user.role}.{user.version}.{user.viewer}"
    shown = f"{app.config['LIVE_BUILD']}.{when}.{who}.{seen}"
    named = "".join(_LETTERS[topic] for topic in topics)
    return f"{hashlib.sha256(shown.encode()).hexdigest()[:24]}_{named}"


def topics_of(tag: str) -> tuple[Topic, ...] | None:
    """Return the topics that a tag names, as a client sends it; None if it is none of ours."""
    sent = _SENT.fullmatch(tag)
    return tuple(map(_TOPICS.__getitem__, sent[1])) if sent else None


def unchanged(tag: str) -> Response:
    """Answer that nothing has changed, without a body."""
    return tagged(current_app.response_class(status=304), tag)


def tagged(response: Response, tag: str) -> Response:
    """Set an answer's ETag, and that no cache keeps it."""
    # Weak: the same news, not the same bytes, which differ by compression and CSRF token.
    response.set_etag(tag, weak=True)
    response.headers.update(HEADERS)
    return response


def init_app(app: Flask) -> None:
    """Give templates what they need to poll, and reload pages of an older release."""
    app.config["LIVE_BUILD"] = _build(Path(app.root_path), Path(str(app.template_folder)))

    app.jinja_env.globals["live_mark"] = _mark

    @app.context_processor
    def live_settings() -> dict[str, Any]:
        if (tag := g.get("live_etag")) is None:
            return {}
        settings = {"seconds": app.config["LMS_POLL_SECONDS"], "etag": f'"{tag}"' if tag else ""}
        return {"live": settings}


def _mark() -> Markup:
    """Return the attribute of a live part, with what no text in the same page can contain."""
    if "live_etag" not in g:
        return Markup("")
    if "live_mark" not in g:
        g.live_mark = f' data-live="{secrets.token_hex(12)}"'
    return Markup(g.live_mark)  # noqa: S704 - nobody's input is in it  # nosec B704


_NAMED = re.compile(r'<(\w+)[^>]* id="([^"]+)"')
"""A tag and its id; templates escape `<` and `>` in all that they show."""


def _marked(page: str) -> str:
    """Return the page with every live part's fingerprint on it."""
    done, marked = 0, []
    for start, end, _name, fingerprint in _parts(page):
        marked += [page[done:start], _with(fingerprint, page[start:end])]
        done = end
    return "".join([*marked, page[done:]])


def _news(page: str) -> str:
    """Return the live parts that the asking page does not show as they are."""
    shown = set(request.headers["X-Live"].split(","))
    return "\n".join(
        _with(fingerprint, page[start:end])
        for start, end, name, fingerprint in _parts(page)
        if f"{name}={fingerprint}" not in shown
    )


def _parts(page: str) -> Iterator[tuple[int, int, str, str]]:
    """Find each live part: where it begins and ends, its id and its fingerprint."""
    token = g.get("csrf_token") or "\0"  # another one each time, and no news
    mark = g.get("live_mark") or "\0"
    found = page.find(mark)
    while found >= 0:
        start = page.rindex("<", 0, found)
        found = page.find(mark, found + 1)
        named = _NAMED.match(page, start)
        if named is None:
            continue
        end = _end(page, start, named[1])
        shown = page[start:end].replace(token, "").replace(mark, "")
        digest = hashlib.sha256(shown.encode()).hexdigest()
        yield start, end, named[2], digest[:12]


def _end(page: str, start: int, name: str) -> int:
    """Return where the element that starts there ends.

    By counting, since an expression that looks at each tag takes four times as long.
    """
    plain, spaced, broken, closing = f"<{name}>", f"<{name} ", f"<{name}\n", f"</{name}>"
    count, depth, after = page.count, 0, start
    while (ends := page.find(closing, after)) >= 0:
        before, after = after, ends + len(closing)
        depth += count(plain, before, after) + count(spaced, before, after)
        depth += count(broken, before, after) - 1
        if depth == 0:
            break
    return after


def _with(fingerprint: str, part: str) -> str:
    return part.replace(g.live_mark, f' data-live="{fingerprint}"', 1)


def _build(package: Path, templates: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *(package / templates).rglob("*.html")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
