"""Taking a content in: looked at, pictures made anew, kept under its digest."""

from collections.abc import Callable
from os import SEEK_END
from typing import Any, BinaryIO

from lms.files import captions, copies, store
from lms.files.content import Content
from lms.files.kinds import Found, has_macros, is_hopeless, kind_of
from lms.files.names import program_in
from lms.files.pictures import NoPicture, made_anew
from lms.files.store import Kept
from lms.refusals import Invalid

ACCEPTED = (
    "This type of file isn't accepted. Upload a picture (JPEG, PNG, GIF, WebP, AVIF), a video"
    " (MP4, WebM, Ogg), an audio file (MP3, M4A, Ogg, WAV), captions (WebVTT), or a document (PDF,"
    " Word, Excel, PowerPoint, OpenDocument, or text in UTF-8)."
)

MACROS = (
    "This file has macros, which are programs. Save it without them, for example as .docx, .xlsx"
    " or .pptx, and upload that."
)


NO_PICTURE = (
    "This isn't a picture that the portal can show. Choose a JPEG, PNG, GIF, WebP or AVIF file; SVG"
    " isn't accepted."
)
MOST_PICTURE_BYTES = 10_000_000
"""Of one that a form takes beside its other fields."""
TOO_LARGE = "The picture is larger than 10 MB. Choose a smaller one."
LONGEST_LOGO = 512


def take_logo(file: BinaryIO) -> Content:
    """Keep a school's logo, as a PNG or JPEG; raises Invalid at `file`."""
    return _take_picture(file, then=copies.keep, longest=LONGEST_LOGO, other="image/png")


def take_picture(file: BinaryIO, *, check: Callable[[Kept], None] | None = None) -> Content:
    """Keep a picture and nothing else; raises Invalid at `file`."""
    return _take_picture(file, check=check)


def take(file: BinaryIO, *, name: str = "", check: Callable[[Kept], None] | None = None) -> Content:
    """Keep a content and say what it is; raises Invalid at `file`.

    What is no program and no captions must not be called so either. No row names it yet: it stays
    an hour. What `check` refuses is not kept.
    """
    kind, media_type = _accepted(file, name)
    width = height = None
    if kind == "picture":
        try:
            file, media_type, width, height = made_anew(file, media_type)
        except NoPicture as problem:
            raise Invalid("file", str(problem)) from None
    file.seek(0)
    kept = store.keep(file, check=check)
    return Content(kept.digest, kept.bytes, kind, media_type, width, height)


def refuse_beginning(beginning: BinaryIO) -> None:
    """Raise Invalid at `file` if nothing that begins so can be taken: before the rest is sent."""
    if is_hopeless(beginning):
        raise Invalid("file", ACCEPTED)


def _accepted(file: BinaryIO, name: str) -> Found:
    found = kind_of(file)
    fault = program_in(name)
    if found is None:
        fault = fault or captions.fault_by_name(name) or ACCEPTED
    elif found[0] == "captions":
        fault = fault or captions.fault_in(file)
    elif found[1] == "text/plain":
        fault = fault or captions.fault_by_name(name)
    elif has_macros(file):
        fault = MACROS
    if fault or found is None:
        raise Invalid("file", fault)
    return found


def _take_picture(
    file: BinaryIO,
    *,
    check: Callable[[Kept], None] | None = None,
    then: Callable[[BinaryIO, str], None] | None = None,
    **made: Any,
) -> Content:
    if file.seek(0, SEEK_END) > MOST_PICTURE_BYTES:
        raise Invalid("file", TOO_LARGE)
    found = kind_of(file)
    if found is None or found[0] != "picture":
        raise Invalid("file", NO_PICTURE)
    try:
        anew, media_type, width, height = made_anew(file, found[1], **made)
    except NoPicture as problem:
        raise Invalid("file", str(problem)) from None
    kept = store.keep(anew, check=check)
    if then:
        then(anew, kept.digest)
    return Content(kept.digest, kept.bytes, "picture", media_type, width, height)
