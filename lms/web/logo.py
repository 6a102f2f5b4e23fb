"""The school's logo, for everybody."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from lms import logs
from lms.files import copies
from lms.refusals import FileNotFound
from lms.school import Logo
from lms.web import static
from lms.web.school import school
from lms.web.sent_contents import Body, body_of
from lms.web.sent_files import POLICY, FileBody

bp = Blueprint("logo", __name__)


@bp.get("/logo/<digest>")
def picture(digest: str) -> ResponseReturnValue:
    """Send the logo; one that the school had before is no longer there."""
    found = school().logo
    if found is None or found.digest != digest:
        raise FileNotFound
    response = current_app.response_class(
        mimetype=found.type,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": static.FOR_GOOD},
        direct_passthrough=True,
    )
    response.set_etag(digest)
    response.make_conditional(request)
    if response.status_code == 200:
        response.response = _body(found)
        response.content_length = found.bytes
    return response


def _body(logo: Logo) -> Body:
    if path := copies.find(logo.digest, logo.bytes):
        return FileBody(path)
    try:
        return body_of(logo.digest, logo.bytes)
    except FileNotFoundError:
        logs.warn("the logo's content is missing", digest=logo.digest)
        raise FileNotFound from None
