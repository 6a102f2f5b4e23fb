"""Files that are no roster are told what they are, in one line, and nothing is changed."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from lms.importing import NoRoster, import_roster
from lms.importing.roster import files
from lms.importing.roster.reading import read
from tests.commands import error_line, run


def _zip(*names: str, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def _ods() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<x/>")
    return buffer.getvalue()


def _encrypted() -> bytes:
    content = bytearray(_zip("roster.csv"))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


OTHERS = [
    (
        _zip("[Content_Types].xml", "xl/workbook.xml"),
        r"an Excel workbook \(\.xlsx\)\. Save it as CSV",
    ),
    (_zip("[Content_Types].xml", "word/document.xml"), "a Word document"),
    (_ods(), r"a LibreOffice spreadsheet \(\.ods\)\. Save it as CSV"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        r"old Excel workbook \(\.xls\)\. Save it as CSV",
    ),
    (b"%PDF-1.7\n", "a PDF"),
    (b"SQLite format 3\x00" + bytes(100), "flask import legacy"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"<html><table><tr><td>E-Mail</td></tr></table>", "a web page"),
    (b'<?xml version="1.0"?><Workbook/>', "XML"),
    (b'[{"email": "a@x.org"}]', "JSON"),
    (_zip("photo.png", "notes/readme.md"), "The ZIP file contains no CSV"),
    (_zip(), "The ZIP file contains no CSV"),
    (_zip("roster.csv")[:-30], "The ZIP file is damaged"),
    (b"PK\x03\x04rubbish", "The ZIP file is damaged"),
    (_encrypted(), "The ZIP file is encrypted"),
    (_zip("a.csv", "b/A.csv"), "two files called"),
    (_zip("a.csv", "b.csv", content=b"x,y\n1,2"), "several CSVs"),
]


@pytest.mark.parametrize(("content", "words"), OTHERS, ids=map(str, range(len(OTHERS))))
def test_what_a_file_is_instead_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(NoRoster, match=words) as refusal:
        import_roster(path, apply=False)
    assert "Latin-1" not in refusal.value.detail


def test_the_command_says_so_in_one_line_and_ends_with_two(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "roster.xlsx"
    path.write_bytes(OTHERS[0][0])
    line = error_line(run(app, "import", "roster", str(path), "--apply"), code=2)
    assert line.startswith("Error: The file is an Excel workbook")


def test_a_zip_with_one_roster_is_read(tmp_path: Path) -> None:
    path = tmp_path / "roster.zip"
    content = b"email,name,course_id,action\n"
    path.write_bytes(_zip("lists/roster.csv", "__MACOSX/lists/._roster.csv", content=content))
    assert files.contents(path) == {"roster.csv": content}


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([4_000_000_000], "unpacks to more than 1 GB"),
        ([600_000_000, 600_000_000], "unpacks to more than 1 GB"),
        ([50_000_001], "roster.csv is larger than 50 MB"),
    ],
)
def test_a_zip_that_would_unpack_to_much_is_not_unpacked(
    tmp_path: Path, sizes: list[int], words: str
) -> None:
    """A zip of 100 GB in a few kB: its list says how much it is, and nothing more is read."""
    content = bytearray(_zip("roster.csv", "users.csv"))
    place = 0
    for size in sizes:
        place = content.index(b"PK\x01\x02", place + 1)
        struct.pack_into("<L", content, place + 24, size)
    path = tmp_path / "bomb.zip"
    path.write_bytes(content)
    with pytest.raises(NoRoster, match=words):
        import_roster(path, apply=False)


def test_a_member_that_says_too_little_is_read_no_further(tmp_path: Path) -> None:
    packed = bytearray(_zip("roster.csv", content=bytes(10_000_000)))
    struct.pack_into("<L", packed, packed.rfind(b"PK\x01\x02") + 24, 5)
    path = tmp_path / "bomb.zip"
    path.write_bytes(packed)
    with pytest.raises(NoRoster, match="The ZIP file is damaged"):
        import_roster(path, apply=False)


def test_a_zip_of_very_many_files_is_refused_before_they_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    for number, words in ((files.MOST_MEMBERS + 1, "1,001 files"), (20_000, "too many files")):
        path.write_bytes(_zip(*(f"{each}.csv" for each in range(number))))
        with pytest.raises(NoRoster, match=words):
            import_roster(path, apply=False)


def test_a_long_list_of_a_large_zip_is_not_read_either(tmp_path: Path) -> None:
    """More than 65,535 files have a record of their own, in 64 bits."""
    content = _zip("roster.csv")
    end = content.rindex(b"PK\x05\x06")
    length = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 9**5, 9**5, 9**7, 0)
    path = tmp_path / "many.zip"
    path.write_bytes(content[:end] + length + content[end:])
    with pytest.raises(NoRoster, match="too many files"):
        import_roster(path, apply=False)


_SOUND = _zip("users.csv", "enrollments.csv", content=b"sourcedId,email\nu1,a@x.org\n")


@given(st.lists(st.tuples(st.integers(0, len(_SOUND) - 1), st.integers(0, 255)), max_size=4))
def test_a_damaged_zip_is_told_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(_SOUND)
    for place, value in changes:
        content[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(content)
    told = ""
    try:
        read(path)
    except NoRoster as refusal:
        told = refusal.detail
    assert len(told.splitlines()) <= 1


def test_a_csv_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)  # a hole: it takes no space
    with pytest.raises(NoRoster, match="larger than 50 MB"):
        import_roster(path, apply=False)


def test_what_steers_a_terminal_is_not_printed(app: Flask, context: Flask, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("email,name,course_id,action\na\x1b[2J@x.org,A,\x1b]0;x\x07,\x9b31menroll\n")
    shown = run(app, "import", "roster", str(path), "--apply").output
    assert not set("\x1b\x07\x9b") & set(shown)
