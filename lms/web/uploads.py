"""Uploads: forms that may send more than all others, and where their files are put meanwhile."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Flask, Request, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge, ServiceUnavailable

from lms import logs
from lms.importing import runs, uploads
from lms.web.security import MAX_BODY

UNKEPT = "lms.unkept"
"""In the environment of a request whose body did not fit on the disk."""
PIECE_BYTES = 8_000_000
"""How much of a file is sent at once where it goes on after a broken connection."""
_IN_MEMORY = 500_000


@dataclass(frozen=True)
class Upload:
    """A form that uploads a file."""

    path: str
    """Where it is sent to; `<id>` stands for a number, `<key>` for a random name."""
    megabytes: Callable[[Mapping[str, Any]], int]
    """How large the file may be, by the settings."""
    instead: str
    """What to do with a larger one."""
    method: str = "POST"

    @property
    def pattern(self) -> str:
        """What its path matches, as a regular expression."""
        return re.escape(self.path).replace("<id>", "[0-9]+").replace("<key>", "[0-9a-f]+")

    def most_bytes(self, settings: Mapping[str, Any]) -> int:
        """Return how large the body may be: the file, and the form around it."""
        return self.megabytes(settings) * 1_000_000 + MAX_BODY

    def too_large(self, settings: Mapping[str, Any]) -> str:
        """Return what to say of a larger file."""
        return f"The file is larger than {self.megabytes(settings):,} MB. {self.instead}"


def _for_a_picture(_settings: Mapping[str, Any]) -> int:
    """Return more than is accepted: so most of what is too large is told at its field."""
    return 50


_SMALLER = "Choose a picture of at most 10 MB."
UPLOADS = {
    "admin.upload_school": Upload(
        "/admin/import",
        lambda settings: int(settings["LMS_IMPORT_MEGABYTES"]),
        "Whoever runs the portal can raise LMS_IMPORT_MEGABYTES, or use the command flask import"
        " legacy.",
    ),
    "admin.upload_file": Upload(
        "/admin/courses/<id>/files",
        lambda settings: int(settings["LMS_FILE_MEGABYTES"]),
        "Make it smaller, or have whoever runs the portal raise LMS_FILE_MEGABYTES.",
    ),
    "admin.choose_logo": Upload("/admin/settings/logo", _for_a_picture, _SMALLER),
    "admin.create_course": Upload("/admin/courses/new", _for_a_picture, _SMALLER),
    "admin.edit_course": Upload("/admin/courses/<id>", _for_a_picture, _SMALLER),
    "admin.append_to_upload": Upload(
        "/admin/courses/<id>/uploads/<key>",
        lambda _settings: PIECE_BYTES // 1_000_000,
        f"Send it in pieces of {PIECE_BYTES // 1_000_000} MB.",
        "PATCH",
    ),
    "admin.upload_roster": Upload(
        "/admin/roster",
        lambda _settings: uploads.MOST_BYTES // 1_000_000,
        "Split it, or have whoever runs the portal use the command flask import roster.",
    ),
}
"""By endpoint."""


class UploadingRequest(Request):
    """A request whose file goes to the disk of the portal, in a folder that nobody else reads."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.endpoint not in UPLOADS:
            return super()._get_file_stream(
                total_content_length, content_type, filename, content_length
            )
        kept: Any = SpooledTemporaryFile(_IN_MEMORY, "w+b", dir=str(runs.folder()))  # noqa: SIM115
        return kept  # type: ignore[no-any-return]

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except OSError as error:
            raise unkept(error) from None


def no_room() -> ServiceUnavailable:
    """Return the answer to an upload that the disk has no room for."""
    return ServiceUnavailable(
        "The server couldn't save the file: its disk may be full. Tell whoever runs the portal,"
        " then try again."
    )


def unkept(error: OSError) -> ServiceUnavailable:
    """Return the answer to an upload that could not be written, and say in the log why."""
    logs.warn("an upload couldn't be kept", errno=error.errno, error=error.strerror)
    if error.errno in {ENOSPC, EDQUOT}:
        return no_room()
    return ServiceUnavailable(
        "The server couldn't save the file. Try again, or ask whoever runs the portal: its log says"
        " why."
    )


def init_app(app: Flask) -> None:
    """Take larger bodies where a form uploads, and say in words what is too large even there."""
    app.request_class = UploadingRequest
    app.before_request(_allow)


def _allow() -> None:
    if (upload := UPLOADS.get(request.endpoint or "")) is None:
        return
    if UNKEPT in request.environ:
        raise no_room()
    request.max_content_length = upload.most_bytes(current_app.config)
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge(upload.too_large(current_app.config))
