"""The files of courses, for those who may read the chapters that show them.

`url_for("files.read", course_id=.., file_id=.., name=..)` is the address of one. The name in it is
for people; what is sent is the file of that id.
"""

from urllib.parse import quote

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from lms import logs
from lms.queries import files as queries
from lms.queries.files import FileOfCourse
from lms.refusals import FileNotFound
from lms.web.security import NOT_KEPT
from lms.web.sent_contents import Body, body_of
from lms.web.sent_files import POLICY
from lms.web.session import person, require_anybody

bp = Blueprint("files", __name__)

_SHOWN = {"picture", "video", "audio", "captions"}
"""Kinds that a browser shows; all others it keeps as a file."""


@bp.get("/courses/<int:course_id>/files/<int:file_id>/<name>")
def read(course_id: int, file_id: int, name: str) -> ResponseReturnValue:
    """Send a file, or a part of it."""
    require_anybody()
    found = queries.readable(course_id, file_id, person().id, is_admin=person().role == "admin")
    return _sent(found)


def _sent(found: FileOfCourse) -> Response:
    response = current_app.response_class(
        mimetype=found.media_type,
        headers={
            "Content-Disposition": _disposition(found),
            "Content-Security-Policy": POLICY,
            "Cache-Control": _kept(found),
        },
        direct_passthrough=True,
    )
    response.set_etag(found.digest)
    several = request.range is not None and len(request.range.ranges) > 1
    response.make_conditional(
        request,
        accept_ranges="bytes",
        # Several ranges at once are sent as the whole file, as RFC 9110 allows.
        complete_length=None if several else found.bytes,
    )
    if response.status_code in {200, 206}:
        part = response.content_range
        start, stop = (part.start, part.stop) if response.status_code == 206 else (0, found.bytes)
        body = _body(found, start or 0, stop or found.bytes)
        response.response = body
        response.content_length = body.length
    return response


def _body(found: FileOfCourse, start: int, stop: int) -> Body:
    try:
        return body_of(found.digest, found.bytes, start, stop, reader=person().id)
    except FileNotFoundError:
        logs.warn("a file's content is missing", file=found.id, digest=found.digest)
        raise FileNotFound from None


def _kept(found: FileOfCourse) -> str:
    """Players ask for parts of what the browser keeps, each time anew: access may have ended."""
    return "private, no-cache" if found.kind in _SHOWN else NOT_KEPT


def _disposition(found: FileOfCourse) -> str:
    shown = "inline" if found.kind in _SHOWN else "attachment"
    return f"{shown}; filename*=UTF-8''{quote(found.name, safe='')}"
