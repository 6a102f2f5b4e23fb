"""Files of courses in pieces, so that an upload goes on after a broken connection.

The verbs and headers are tus 1.0's (https://tus.io/protocols/resumable-upload), with its extensions
creation and termination; only `finish` is ours, which makes a file of the course of what has come.
"""

from typing import BinaryIO

from flask import current_app, flash, jsonify, request, url_for
from werkzeug.exceptions import (
    BadRequest,
    PreconditionFailed,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.wrappers import Response

from lms import enrollment
from lms.files import unfinished
from lms.files.kinds import HEAD_BYTES
from lms.files.taking import refuse_beginning, take
from lms.files.unfinished import Unfinished
from lms.queries import files as queries
from lms.queries.admin import courses as offered
from lms.refusals import Invalid, NoRoom
from lms.web.admin.blueprint import bp
from lms.web.admin.files import refuse_without_room, said_of_added
from lms.web.session import person
from lms.web.turns import turn
from lms.web.uploads import UPLOADS, unkept

PIECE = "application/offset+octet-stream"
VERSION = "1.0.0"
_NAMES = ("begin_upload", "upload_offset", "append_to_upload", "cancel_upload")
_OF_TUS = {f"{bp.name}.{name}" for name in _NAMES}
_LONGEST_NUMBER = 18


@bp.post("/courses/<int:course_id>/uploads")
def begin_upload(course_id: int) -> Response:
    """Begin an upload, if there is room for all of it."""
    _require_version()
    offered.course(course_id)
    length = _number("Upload-Length")
    limit = UPLOADS["admin.upload_file"]
    if length > limit.megabytes(current_app.config) * 1_000_000:
        raise RequestEntityTooLarge(limit.too_large(current_app.config))
    if length == 0:
        raise Invalid("file", "The file is empty. Choose another one.")
    enrollment.refuse_too_much(queries.used(), length, unfinished=unfinished.bytes_announced())
    try:
        upload = unfinished.begin(course_id, by=person().id, length=length)
    except OSError as error:
        raise unkept(error) from None
    answer = current_app.response_class(status=201)
    answer.headers["Location"] = url_for(
        ".upload_offset", course_id=course_id, upload_key=upload.key
    )
    return answer


@bp.route("/courses/<int:course_id>/uploads/<upload_key>", methods=["HEAD"])
def upload_offset(course_id: int, upload_key: str) -> Response:
    """Say how much of an upload has come."""
    _require_version()
    upload = _found(course_id, upload_key)
    answer = _come(upload.offset, 200)
    answer.headers["Upload-Length"] = str(upload.length)
    return answer


@bp.patch("/courses/<int:course_id>/uploads/<upload_key>")
def append_to_upload(course_id: int, upload_key: str) -> Response:
    """Add a piece to an upload."""
    _require_version()
    if request.mimetype != PIECE:
        raise UnsupportedMediaType(f"A piece of an upload is sent as {PIECE}.")
    upload = _found(course_id, upload_key)
    at, size = _number("Upload-Offset"), request.content_length or 0
    try:
        has_come = unfinished.append(upload, request.stream, at=at, size=size)  # type: ignore[arg-type]
        if at < HEAD_BYTES <= has_come:
            _look_at_beginning(upload)
    except OSError as error:
        raise unkept(error) from None
    return _come(has_come, 204)


@bp.delete("/courses/<int:course_id>/uploads/<upload_key>")
def cancel_upload(course_id: int, upload_key: str) -> Response:
    """Delete what has come of an upload."""
    _require_version()
    unfinished.forget(_found(course_id, upload_key))
    return current_app.response_class(status=204)


@bp.post("/courses/<int:course_id>/uploads/<upload_key>/finish")
def finish_upload(course_id: int, upload_key: str) -> Response:
    """Make a file of the course of an upload that has come, and say where to go on.

    What isn't accepted is gone then; what only lacks room stays, to be finished once there is some.
    """
    upload = _found(course_id, upload_key)
    name = request.form.get("name", "")

    def add(file: BinaryIO) -> int:
        with turn():
            content = take(file, name=name, check=refuse_without_room)
        return enrollment.add_file(course_id, content, name=name, by=person().id)

    try:
        file_id = unfinished.finish(upload, add)
    except NoRoom:
        raise
    except Invalid:
        unfinished.forget(upload)
        raise
    except OSError as error:
        raise unkept(error) from None
    text, address = said_of_added(course_id, file_id)
    flash(text, "success")
    return jsonify(address=address)


@bp.after_request
def speak_tus(response: Response) -> Response:
    """Say which version is spoken, and to who asks, what of it."""
    if request.endpoint in _OF_TUS:
        response.headers["Tus-Resumable"] = response.headers["Tus-Version"] = VERSION
        if request.method == "OPTIONS":
            most = UPLOADS["admin.upload_file"].megabytes(current_app.config) * 1_000_000
            response.headers["Tus-Extension"] = "creation,termination"
            response.headers["Tus-Max-Size"] = str(most)
    return response


def _require_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"This address takes uploads by tus {VERSION}.")


def _found(course_id: int, upload_key: str) -> Unfinished:
    offered.course(course_id)
    return unfinished.find(upload_key, course_id, by=person().id)


def _look_at_beginning(upload: Unfinished) -> None:
    with unfinished.beginning(upload) as file:
        try:
            refuse_beginning(file)
        except Invalid:
            unfinished.forget(upload)
            raise


def _come(offset: int, status: int) -> Response:
    answer = current_app.response_class(status=status)
    answer.headers["Upload-Offset"] = str(offset)
    return answer


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise BadRequest(f"{header} has to be a whole number of bytes.")
    return int(text)
