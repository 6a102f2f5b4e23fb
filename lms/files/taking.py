"""Taking a content in: looked at, pictures made anew, kept under its digest."""

from typing import BinaryIO

from lms.files import store
from lms.files.content import Content
from lms.files.kinds import kind_of
from lms.files.pictures import NoPicture, made_anew
from lms.refusals import Invalid

ACCEPTED = (
    "This type of file isn't accepted. Upload a picture (JPEG, PNG, GIF, WebP, AVIF), a video"
    " (MP4, WebM, Ogg), a recording (MP3, M4A, Ogg, WAV), captions (WebVTT), or a document (PDF,"
    " Word, Excel, PowerPoint, OpenDocument, or text in UTF-8)."
)


def take(file: BinaryIO) -> Content:
    """Keep a content and say what it is; raises Invalid at `file`.

    No row names it yet: it stays an hour.
    """
    found = kind_of(file)
    if found is None:
        raise Invalid("file", ACCEPTED)
    kind, media_type = found
    width = height = None
    if kind == "picture":
        try:
            file, media_type, width, height = made_anew(file, media_type)
        except NoPicture as problem:
            raise Invalid("file", str(problem)) from None
    file.seek(0)
    kept = store.keep(file)
    return Content(kept.digest, kept.bytes, kind, media_type, width, height)
