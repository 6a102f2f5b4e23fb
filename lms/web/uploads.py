"""Uploads: the one form that may send more than all others, and where its file is put meanwhile."""

from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Flask, Request, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge, ServiceUnavailable

from lms.importing import runs
from lms.web.security import MAX_BODY

ENDPOINT = "admin.upload_school"
PATH = "/admin/import"
UNKEPT = "lms.unkept"
"""In the environment of a request whose body did not fit on the disk."""
_IN_MEMORY = 500_000


def most_bytes(app: Flask) -> int:
    """Return how large the body of an upload may be: the file, and the form around it."""
    return int(app.config["LMS_IMPORT_MEGABYTES"]) * 1_000_000 + MAX_BODY


class UploadingRequest(Request):
    """A request whose file goes to the disk of the portal, in a folder that nobody else reads."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.endpoint != ENDPOINT:
            return super()._get_file_stream(
                total_content_length, content_type, filename, content_length
            )
        kept: Any = SpooledTemporaryFile(_IN_MEMORY, "w+b", dir=str(runs.folder()))  # noqa: SIM115
        return kept  # type: ignore[no-any-return]

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except OSError:  # the disk is full, or can't be written to
            raise no_room() from None


def no_room() -> ServiceUnavailable:
    """Return the answer to an upload that the disk has no room for."""
    return ServiceUnavailable("The server couldn't keep the file: its disk may be full.")


def init_app(app: Flask) -> None:
    """Take larger bodies where a form uploads, and say in words what is too large even there."""
    app.request_class = UploadingRequest
    app.before_request(_allow)


def _allow() -> None:
    if request.endpoint != ENDPOINT:
        return
    if UNKEPT in request.environ:
        raise no_room()
    request.max_content_length = most_bytes(current_app)
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge(too_large())


def too_large() -> str:
    return (
        f"The file is larger than {current_app.config['LMS_IMPORT_MEGABYTES']} MB. Whoever runs the"
        " portal can raise LMS_IMPORT_MEGABYTES, or use the command flask import legacy."
    )
