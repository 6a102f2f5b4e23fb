"""What a content is, by what is in it: what it is called says nothing.

A short list, not a library: of the thousands of types that one knows, these may be in a lesson.
"""

import codecs
import re
from typing import BinaryIO

from lms.models import FileKind

HEAD_BYTES = 4_096
"""How much of a content tells most of what it is."""
_TAIL = 65_536
"""Where an archive lists what is in it; none is ever unpacked."""
_PIECE = 1 << 20
_ARCHIVE = b"PK\x03\x04"
_LONGEST_CAPTIONS = 5_000_000
_PAGES = re.compile(
    rb"<\s*(!doctype|html|head|body|script|svg|\?xml|\?php|iframe|img)\b", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OFFICE_PARTS = {
    b"word/": f"{_OFFICE}wordprocessingml.document",
    b"xl/": f"{_OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE}presentationml.presentation",
}
_OPEN_TYPES = re.compile(
    rb"mimetype(application/(?:vnd\.oasis\.opendocument\.[a-z]{4,20}|epub\+zip))"
)
_MACROS = b"vbaproject.bin"
_AUDIO_BRANDS = {b"M4A ", b"M4B "}
_PICTURE_BRANDS = {b"avif", b"avis"}
_UNPLAYED_BRANDS = {b"heic", b"heix", b"mif1", b"msf1", b"qt  ", b"crx "}
"""Photos and films of one maker's devices, which most browsers show nothing of."""

Found = tuple[FileKind, str]


def kind_of(file: BinaryIO) -> Found | None:
    """Return the kind and media type of a content; None if it is nothing that lessons can have."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if found := _by_head(head):
        return found
    if head.startswith(_ARCHIVE):
        return _archive(head, file)
    return _text(head, file)


def is_hopeless(beginning: BinaryIO) -> bool:
    """Return whether a content that begins so is nothing, however it goes on."""
    beginning.seek(0)
    head = beginning.read(HEAD_BYTES)
    if head.startswith(_ARCHIVE) or _by_head(head):
        return False
    return _text(head, beginning, is_whole=False) is None


def _by_head(head: bytes) -> Found | None:
    looks = (_picture, _film_or_sound, _document)
    return next((found for look in looks if (found := look(head))), None)


def _picture(head: bytes) -> Found | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "picture", "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "picture", "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "picture", "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "picture", "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return "picture", "image/avif"
    return None


def _film_or_sound(head: bytes) -> Found | None:
    if head[4:8] == b"ftyp" and head[8:12] not in _UNPLAYED_BRANDS:
        return ("audio", "audio/mp4") if head[8:12] in _AUDIO_BRANDS else ("video", "video/mp4")
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
        return "video", "video/webm"
    if head.startswith(b"OggS"):
        return ("video", "video/ogg") if b"\x80theora" in head else ("audio", "audio/ogg")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio", "audio/wav"
    return ("audio", "audio/mpeg") if _is_mp3(head) else None


def _is_mp3(head: bytes) -> bool:
    if head.startswith(b"ID3"):
        return True
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return False
    return head[2] >> 4 not in {0, 15} and head[2] >> 2 & 3 != 3


def _document(head: bytes) -> Found | None:
    return ("document", "application/pdf") if head.startswith(b"%PDF-") else None


def _archive(head: bytes, file: BinaryIO) -> Found | None:
    """Return what an office file is; any other archive may hold whatever, and is nothing."""
    if found := _OPEN_TYPES.match(head, 30):
        return "document", found[1].decode()
    file.seek(max(0, file.seek(0, 2) - _TAIL))
    seen = head + file.read(_TAIL)
    if b"[Content_Types].xml" not in seen:
        return None
    return next((("document", of) for part, of in _OFFICE_PARTS.items() if part in seen), None)


def has_macros(file: BinaryIO) -> bool:
    """Return whether an archive has an office program's macros in it, by the names of its parts."""
    file.seek(0)
    piece = file.read(_PIECE).lower()
    if not piece.startswith(b"pk\x03\x04"):
        return False
    end = b""
    while piece:
        if _MACROS in end + piece:
            return True
        end, piece = piece[-len(_MACROS) :], file.read(_PIECE).lower()
    return False


def _text(head: bytes, file: BinaryIO, *, is_whole: bool = True) -> Found | None:
    """Return captions or plain text; what a browser might take for a page is nothing."""
    if not head or _PAGES.search(head):
        return None
    is_captions = re.match(rb"(\xef\xbb\xbf)?WEBVTT([ \t\r\n]|$)", head) is not None
    file.seek(0)
    decoder, total = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        while piece := file.read(_PIECE):
            total += len(piece)
            if _CONTROLS.search(decoder.decode(piece)):
                return None
        decoder.decode(b"", final=is_whole)
    except UnicodeDecodeError:
        return None
    if is_captions:
        return ("captions", "text/vtt") if total <= _LONGEST_CAPTIONS else None
    return "document", "text/plain"
