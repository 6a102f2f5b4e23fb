"""The school's logo, for everybody."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from lms import logs
from lms.refusals import FileNotFound
from lms.web import static
from lms.web.school import logo_place, school
from lms.web.sent_files import POLICY, FileBody

bp = Blueprint("logo", __name__)


@bp.get("/logo/<digest>")
def picture(digest: str) -> ResponseReturnValue:
    """Send the logo; one that the school had before is no longer there."""
    found = school().logo
    if found is None or found.digest != digest:
        raise FileNotFound
    if (path := logo_place()) is None:
        logs.warn("the logo's content is missing", digest=digest)
        raise FileNotFound
    response = current_app.response_class(
        mimetype=found.type,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": static.FOR_GOOD},
        direct_passthrough=True,
    )
    response.set_etag(digest)
    response.make_conditional(request)
    if response.status_code == 200:
        response.response = FileBody(path)
        response.content_length = found.bytes
    return response
