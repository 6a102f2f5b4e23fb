"""An upload is what is in it: pictures are made anew, all that is odd is refused in words."""

import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image

from lms.files import pictures, store
from lms.files.kinds import kind_of
from lms.files.names import cleaned_name
from lms.files.taking import ACCEPTED, MACROS, take
from lms.models.files import LONGEST_FILE_NAME
from lms.refusals import Invalid

pytestmark = pytest.mark.usefixtures("context")
SECRET = b"48.858844 N 2.294351 E"


@pytest.fixture
def server(sqlite: object) -> object:
    """One engine is enough: no database is asked."""
    return sqlite


def _a_picture(form: str = "JPEG", size: tuple[int, int] = (40, 20), **saved: object) -> BytesIO:
    kept = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(kept, form, **saved)
    return kept


def _zip(*names: str, first: bytes = b"") -> bytes:
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, "<x/>")
    return kept.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\0\0\0\x20ftypisom" + bytes(20), ("video", "video/mp4")),
        (b"\0\0\0\x20ftypM4A " + bytes(20), ("audio", "audio/mp4")),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", ("video", "video/webm")),
        (b"OggS" + bytes(24) + b"\x80theora", ("video", "video/ogg")),
        (b"OggS" + bytes(24) + b"OpusHead", ("audio", "audio/ogg")),
        (b"ID3\x04" + bytes(20), ("audio", "audio/mpeg")),
        (b"\xff\xfb\x90\x64" + bytes(20), ("audio", "audio/mpeg")),
        (b"RIFF\0\0\0\0WAVEfmt ", ("audio", "audio/wav")),
        (b"%PDF-1.7\n%", ("document", "application/pdf")),
        (b"\xef\xbb\xbfWEBVTT\n\n00:01.000 --> 00:02.000\nHi", ("captions", "text/vtt")),
        ("Größe,7\n".encode(), ("document", "text/plain")),
        (
            _zip("[Content_Types].xml", "word/document.xml"),
            (
                "document",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
        ),
        (
            _zip("content.xml", first=b"application/vnd.oasis.opendocument.text"),
            ("document", "application/vnd.oasis.opendocument.text"),
        ),
    ],
)
def test_a_content_is_what_its_bytes_say(content: bytes, found: tuple[str, str]) -> None:
    assert kind_of(BytesIO(content)) == found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!DOCTYPE html><p>Hello",
        b"Hello\n<script>alert(1)</script>",
        b"\xef\xbb\xbf<?xml version='1.0'?><svg/>",
        b"<?php echo 1;",
        b"MZ\x90\x00" + bytes(60),
        b"\x7fELF" + bytes(60),
        _zip("anything.exe"),
        b"WEBVTTS are no captions \x00",
        b"WEBVTT\n\xff\xfe",
        "ä".encode("latin-1"),
        b"\0\0\0\x20ftypheic" + bytes(20),
        b"\0\0\0\x20ftypqt  " + bytes(20),
    ],
)
def test_what_runs_or_shows_nothing_is_refused_by_what_is_accepted(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        take(BytesIO(content))
    assert (refused.value.field, refused.value.detail) == ("file", ACCEPTED)


@pytest.mark.parametrize("part", ["word/vbaProject.bin", "xl/VBAPROJECT.BIN"])
@pytest.mark.parametrize("others", [0, 20_000])
def test_an_office_file_with_macros_is_refused_in_words(part: str, others: int) -> None:
    folder = part.split("/", maxsplit=1)[0]
    more = [f"{folder}/media/image{number}.png" for number in range(others)]
    with pytest.raises(Invalid) as refused:
        take(BytesIO(_zip("[Content_Types].xml", part, *more)))
    assert refused.value.detail in {MACROS, ACCEPTED}
    with pytest.raises(Invalid) as refused:
        take(BytesIO(_zip("[Content_Types].xml", f"{folder}/document.xml", *more, part)))
    assert refused.value.detail == MACROS


def test_an_archive_is_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("word/document.xml", bytes(50_000_000))
    assert len(kept.getvalue()) < 100_000

    def refuse(*_: object) -> None:
        raise AssertionError("unpacked")

    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    assert take(kept).kind == "document"


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/webp"),
    ],
)
def test_a_picture_is_made_anew_smaller_and_without_what_is_no_pixel(
    form: str, media_type: str
) -> None:
    given = _a_picture(form, (4_000, 1_000)).getvalue() + SECRET + b"<script>alert(1)</script>"
    found = take(BytesIO(given))
    assert (found.kind, found.media_type) == ("picture", media_type)
    assert (found.width, found.height) == (2_000, 500)
    kept = store.place(found.digest).read_bytes()
    assert SECRET not in kept
    assert b"script" not in kept
    with Image.open(BytesIO(kept)) as shown:
        assert shown.size == (2_000, 500)


def test_a_photo_stands_upright_and_says_nothing_of_its_place() -> None:
    about = Image.Exif()
    about[0x0112] = 6  # it was taken with the camera on its side
    about.get_ifd(0x8825)[2] = (48.0, 51.0, 31.8)
    about[0x010E] = SECRET.decode()
    photo = _a_picture("JPEG", exif=about, comment=SECRET)
    assert SECRET in photo.getvalue()
    found = take(photo)
    assert (found.width, found.height) == (20, 40)
    kept = store.place(found.digest).read_bytes()
    assert SECRET not in kept
    with Image.open(BytesIO(kept)) as shown:
        assert dict(shown.getexif()) == {}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_a_picture_of_any_colors_is_kept(mode: str) -> None:
    given = BytesIO()
    form = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (10, 10)).save(given, form)
    assert take(given).width == 10


def test_gray_of_16_bits_stays_what_it_shows() -> None:
    deep, given = Image.new("I;16", (256, 1)), BytesIO()
    for x in range(256):
        deep.putpixel((x, 0), x * 257)
    deep.save(given, "PNG")
    with Image.open(store.place(take(given).digest)) as kept:
        shown = kept.convert("L").tobytes()
    assert all(abs(shade - x) <= 1 for x, shade in enumerate(shown))


def test_what_would_fill_the_memory_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1_000_000)
    bomb = _a_picture("PNG", (2_000, 1_000))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    with pytest.raises(Invalid, match=r"has 2 megapixels. Make it smaller: at most 1 are"):
        take(bomb)


def test_what_pillow_itself_takes_for_a_bomb_is_refused_by_its_size() -> None:
    header = struct.pack(">4sIIBBBBB", b"IHDR", 20_000, 20_000, 8, 2, 0, 0, 0)
    given = bytearray(_a_picture("PNG").getvalue())
    given[12:33] = header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(Invalid, match=r"more than 60 megapixels. Make it smaller: at most 60 are"):
        take(BytesIO(given))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_a_picture_that_moves_is_refused_in_words(form: str) -> None:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    given = BytesIO()
    frames[0].save(given, form, save_all=True, append_images=frames[1:])
    with pytest.raises(Invalid, match="animated"):
        take(given)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_a_picture_that_is_cut_off_or_none_is_refused_in_words(form: str) -> None:
    whole = _a_picture(form, (300, 300)).getvalue()
    for broken in (whole[: len(whole) // 2], whole[:24]):
        with pytest.raises(Invalid, match=r"damaged|isn't accepted"):
            take(BytesIO(broken))
    assert not any(each.is_file() for each in store.folder().rglob("*"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ada\\cell.png", "cell.png"),
        ("a\x00b\x1b[31m\r\n.png", "ab[31m .png"),
        ("cell\u202egnp.exe", "cellgnp.exe"),
        ("\u202e\u200b", "file"),
        ("", "file"),
        ("..", "file"),
        ('"<b>|x?*.png', "__b__x__.png"),
        ("Zelle (größer).png", "Zelle (größer).png"),
        ("細胞.png", "細胞.png"),
        ("x" * 500 + ".png", "x" * (LONGEST_FILE_NAME - 4) + ".png"),
        ("x." + "y" * 500, ("x." + "y" * 500)[:LONGEST_FILE_NAME]),
    ],
)
def test_a_name_is_what_a_person_sees_of_it(given: str, kept: str) -> None:
    assert cleaned_name(given) == kept


def test_the_same_content_lies_there_once(app: Flask) -> None:
    first, second = take(_a_picture()), take(_a_picture())
    assert first == second
    found = [each for each in store.folder().rglob("*") if each.is_file()]
    assert {each.name for each in found} == {".lock", first.digest}
    assert not any(each.stat().st_mode & 0o077 for each in (store.folder(), *found))
