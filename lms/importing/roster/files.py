"""The file of a roster: a CSV, or a folder or zip of several; what else it is, is told in words."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from os import SEEK_END
from pathlib import Path, PurePosixPath
from typing import IO

from lms.refusals import Refusal
from lms.texts import counted, one_line

LARGEST_FILE = 50_000_000
LARGEST_ZIP = 1_000_000_000
"""How much all of a zip may unpack to."""
MOST_MEMBERS = 1000
_SAVE = "Save it as CSV ('CSV UTF-8') and try again."


class NoRoster(Refusal):
    """The file cannot be read as a roster; the message says why and what to do."""


def contents(path: Path) -> dict[str, bytes]:
    """Return the CSV, or all CSVs of a folder or zip, by file name. Raises NoRoster."""
    if not path.exists():
        raise NoRoster(f"The file {one_line(str(path))} doesn't exist.")
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if _is_csv(each.name) and each.is_file())
        return _named((each.name, _read(each)) for each in found) or _without_csv("The folder")
    if not path.is_file():
        raise NoRoster(f"{one_line(str(path))} isn't a file.")
    with path.open("rb") as file:
        return unpacked(path.name, file)


def unpacked(name: str, file: IO[bytes], *, most: int = LARGEST_ZIP) -> dict[str, bytes]:
    """Return the CSV that a file is, or those of a zip; `most` is what that may unpack to.

    Raises NoRoster.
    """
    start = file.read(4)
    file.seek(0)
    if start in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _unzipped(file, most)
    content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise _too_large(name)
    return {name: content}


def text_of(name: str, content: bytes) -> str:
    """Return a CSV as text; raises NoRoster with what the content looks like."""
    if kind := _kind(content):
        raise NoRoster(f"{name} is {kind}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NoRoster(f"{name} is UTF-16. {_SAVE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise NoRoster(f"Line {number} of {name} isn't UTF-8 (perhaps Latin-1). {_SAVE}") from None
    if "\x00" in text:
        raise NoRoster(f"{name} contains binary data. {_SAVE}")
    return text


_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_KINDS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an old Excel workbook (.xls). {_SAVE}"),
    *((start, f"a picture. Export the list itself. {_SAVE}") for start in _PICTURES),
    (b"%PDF-", f"a PDF. Export the list itself. {_SAVE}"),
    (
        b"SQLite format 3\x00",
        "an SQLite database. To import another school's database, use “Import a school” or the"
        " command flask import legacy.",
    ),
    (b"\x1f\x8b", "compressed by gzip. Unpack it and try again."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive. Unpack it and try again."),
    (b"Rar!", "a RAR archive. Unpack it and try again."),
    (b"{\\rtf", f"a text document (RTF). {_SAVE}"),
)


def _kind(content: bytes) -> str | None:
    for start, kind in _KINDS:
        if content.startswith(start):
            return kind
    start = content[:300].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<meta")):
        return f"a web page, whatever its name says. Open it in a spreadsheet. {_SAVE}"
    if start.startswith(b"<?xml"):
        return f"XML. Open it in a spreadsheet. {_SAVE}"
    if start.startswith((b"{", b"[{")):
        return f"JSON. {_SAVE}"
    return None


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE:
        raise _too_large(path.name)
    return path.read_bytes()


def _too_large(name: str) -> NoRoster:
    return NoRoster(f"{one_line(name)} is larger than 50 MB. Split it and try again.")


def _is_csv(name: str) -> bool:
    is_one = name.lower().endswith((".csv", ".tsv")) and not name.startswith((".", "_"))
    return is_one and name.lower().removesuffix(".csv") not in _UNREAD


_UNREAD = frozenset(
    (
        *("demographics", "orgs", "academicsessions", "categories", "lineitems", "results"),
        *("resources", "classresources", "courseresources", "userresources", "userprofiles"),
        *("scorescales", "accounts", "terms", "groups", "group_categories", "groups_membership"),
        *("admins", "logins", "user_observers"),
    )
)
"""Files of OneRoster and Canvas SIS of which nothing is needed."""


def _named(files: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, content in files:
        if name.lower() in {each.lower() for each in found}:
            raise NoRoster(f"There are two files called {one_line(name)}. Keep one of them.")
        found[name] = content
    return found


def _without_csv(what: str) -> dict[str, bytes]:
    raise NoRoster(f"{what} contains no CSV. Export the roster as CSV and try again.")


def _unzipped(file: IO[bytes], most: int) -> dict[str, bytes]:
    """Return the CSVs of a zip, having seen first how much there is."""
    _refuse_long_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse_other_or_huge(archive, most)
            return _named(_members(archive)) or _without_csv("The ZIP file")
    except zipfile.BadZipFile as error:
        raise NoRoster(
            f"The ZIP file is damaged ({one_line(str(error))}). Create it again."
        ) from None
    except (*_BROKEN, OSError, ValueError) as error:
        raise NoRoster(
            f"The ZIP file can't be read ({one_line(str(error))}). Create it again."
        ) from None


_BROKEN = (RuntimeError, EOFError, struct.error, zlib.error, LZMAError)
"""What zipfile raises, besides its own errors, where a zip is damaged or of a kind it lacks."""


def _refuse_other_or_huge(archive: zipfile.ZipFile, most: int) -> None:
    members = archive.infolist()
    if kind := _kind_of_zip({member.filename for member in members}, archive):
        raise NoRoster(f"The file is {kind}. {_SAVE}")
    if len(members) > MOST_MEMBERS:
        raise NoRoster(_too_many(counted(len(members), "file")))
    if sum(member.file_size for member in members) > most:
        size = f"{most // 1_000_000} MB".replace("000 MB", " GB")
        raise NoRoster(f"The ZIP file unpacks to more than {size}, so it wasn't read.")


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if member.is_dir() or not _is_csv(path.name) or "__MACOSX" in path.parts:
            continue
        if member.flag_bits & 1:
            raise NoRoster("The ZIP file is encrypted. Make one without a password.")
        if member.file_size > LARGEST_FILE:
            raise _too_large(path.name)
        yield path.name, archive.read(member)  # at most as long as it says


def _kind_of_zip(names: set[str], archive: zipfile.ZipFile) -> str | None:
    for folder, kind in (
        ("xl/", "an Excel workbook (.xlsx)"),
        ("word/", "a Word document (.docx)"),
        ("ppt/", "a PowerPoint file (.pptx)"),
        ("Index/", "an Apple Numbers or Pages document"),
    ):
        if any(name.startswith(folder) for name in names):
            return kind
    if {"mimetype", "content.xml"} <= names:
        is_sheet = b"spreadsheet" in archive.open("mimetype").read(100)
        return f"a LibreOffice {'spreadsheet (.ods)' if is_sheet else 'document'}"
    return None


_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")


def _refuse_long_directory(file: IO[bytes]) -> None:
    """Refuse a zip of very many files before the list of them is read."""
    file.seek(max(file.seek(0, SEEK_END) - 70_000, 0))
    tail = file.read()
    file.seek(0)
    lengths = [0]
    place = tail.rfind(b"PK\x05\x06")
    if 0 <= place <= len(tail) - _END.size:
        lengths.append(_END.unpack_from(tail, place)[5] & 0xFFFFFFFF)
    place_64 = tail.rfind(b"PK\x06\x06")
    if 0 <= place_64 <= len(tail) - _END_64.size:
        lengths = [0, _END_64.unpack_from(tail, place_64)[8]]
    if max(lengths) > MOST_MEMBERS * 400:
        raise NoRoster(_too_many("too many files"))


def _too_many(files: str) -> str:
    return f"The ZIP file contains {files}: more than any roster has, so it wasn't read."
