"""The page with the files of a course, by plain forms."""

import os
import re
from contextlib import ExitStack
from errno import EIO, ENOSPC
from io import BytesIO

import pytest
from flask import Flask
from PIL import Image

from lms import enrollment
from lms.files import store
from lms.files.taking import ACCEPTED
from lms.web import turns
from tests.builders import a_chapter, a_course, a_cover, a_file
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act
from tests.web.pages import error_at, text_of


@pytest.fixture
def page(act: Act) -> str:
    return f"/admin/courses/{act(a_course, 'Botany')}/files"


def _a_picture() -> bytes:
    kept = BytesIO()
    Image.new("RGB", (30, 20), "green").save(kept, "PNG")
    return kept.getvalue()


def test_a_picture_is_added_described_and_shown_with_how_to_write_it(
    admin: Browser, page: str, sql: Sql
) -> None:
    answer = admin.send_file(page, _a_picture(), "../leaf.png")
    assert answer.status_code == 303
    about = answer.headers["Location"]
    assert "What the picture shows" in admin.get(about).text
    answer = admin.send_form(about, name="leaf.png", alt="A green leaf", captions_of="0")
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    [(file_id,)] = sql("SELECT id FROM course_files")
    shown = text_of(admin.get(page).text)
    assert f"![A green leaf](file:{file_id})" in shown
    assert sql("SELECT name, alt, width, height FROM course_files") == [
        ("leaf.png", "A green leaf", 30, 20)
    ]
    assert "File added" in admin.get("/admin/audit").text


def test_what_is_not_accepted_is_said_at_the_field(admin: Browser, page: str, sql: Sql) -> None:
    for content in (b"<svg><script>alert(1)</script></svg>", b"MZ\x90\x00\x00"):
        answer = admin.send_file(page, content, "leaf.png")
        assert answer.status_code == 422
        assert text_of(answer.text).count(ACCEPTED.split(".")[0]) >= 1
    answer = admin.send_file(page, _a_picture()[:60], "leaf.png")
    assert (answer.status_code, "The picture is damaged" in answer.text) == (422, True)
    assert admin.send_form(page).status_code == 422
    assert sql("SELECT * FROM course_files") == []


def test_what_is_called_captions_or_a_program_and_is_none_is_refused(
    admin: Browser, page: str, act: Act, sql: Sql
) -> None:
    cue = b"00:01.000 --> 00:02.000\nHi\n"
    for content, name, said in (
        (b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", "talk.SRT", "Captions have to be WebVTT"),
        (b"Hi\n" + cue, "talk.vtt", "Captions have to be WebVTT"),
        ("Grüße".encode("latin-1"), "talk.vtt", "Captions have to be WebVTT"),
        (
            b"WEBVTT\n\n00:00:01,000 --> 00:00:02,000\nHi\n",
            "talk.vtt",
            "Line 3 doesn't give a caption's start",
        ),
        (b"WEBVTT\r\n\r\n1 --> 2\r\n" + cue, "talk.txt", "Line 3 doesn't give a caption's start"),
        (b"WEBVTT\n\nHi\n", "talk.vtt", "There are no times in this file."),
        (b"echo hi", "Setup.EXE", "Programs aren't accepted, and .exe"),
    ):
        answer = admin.send_file(page, content, name)
        assert answer.status_code == 422, content
        assert said in error_at(answer.text, "file")
    assert sql("SELECT * FROM course_files") == []
    for content, name in (
        (b"WEBVTT", "empty.vtt"),
        (b"WEBVTT - A talk\r\rNOTE Hi\r\r1\r100:00:01.000 --> 100:00:02.000 line:0\rHi", "x.vtt"),
        (b"WEBVTT\n\n0:00:01.000-->0:00:02.000\nHi\n", "tight.vtt"),
        (b"\xef\xbb\xbfWEBVTT\n\n" + cue, "talk"),
        (b"print('Hi')", "exe.py"),
    ):
        assert admin.send_file(page, content, name).status_code == 303, content
    [(script,)] = sql("SELECT id FROM course_files WHERE name = 'exe.py'")
    renamed = admin.send_form(f"{page}/{script}", name="py.exe", captions_of="0")
    assert "Programs aren't accepted" in error_at(renamed.text, "name")


def test_deleting_names_the_chapters_that_show_the_file(
    admin: Browser, page: str, act: Act, sql: Sql
) -> None:
    course_id = int(page.split("/")[3])
    file_id, other = act(a_file, course_id), act(a_file, course_id, "other.png", b"other")
    act(a_chapter, course_id, "Cells & more", f"![]({'file:'}{file_id}) and file:{other}9")
    assert "Cells &amp; more" in admin.get(page).text
    asked = admin.get(f"{page}/{file_id}/delete").text
    assert "Cells &amp; more" in asked
    assert "No chapter shows it" in admin.get(f"{page}/{other}/delete").text
    assert admin.send_form(f"{page}/{file_id}/delete").status_code == 303
    assert [row.id for row in sql("SELECT id FROM course_files")] == [other]
    assert admin.send_form(f"{page}/{file_id}/delete").status_code == 404
    assert admin.get(f"{page}/{file_id}").status_code == 404


def test_a_video_is_asked_for_a_title_which_its_line_has(
    admin: Browser, page: str, sql: Sql
) -> None:
    answer = admin.send_file(page, b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "lesson.webm")
    about = answer.headers["Location"]
    asked = text_of(admin.get(about).text)
    assert "Give it a title below." in asked
    assert "Title optional" in asked
    assert admin.send_form(about, name="lesson.webm", alt="The loom").status_code == 303
    [(file_id,)] = sql("SELECT id FROM course_files")
    assert f"![The loom](file:{file_id})" in text_of(admin.get(page).text)


def test_captions_are_given_to_a_film(admin: Browser, page: str, act: Act, sql: Sql) -> None:
    course_id = int(page.split("/")[3])
    film = act(a_file, course_id, "f.mp4", b"f", kind="video", media_type="video/mp4")
    answer = admin.send_file(page, b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n", "en.vtt")
    about = answer.headers["Location"]
    asked = text_of(admin.get(about).text)
    assert "Captions uploaded. Choose their video or audio file now." in asked
    assert f'<option selected value="{film}">f.mp4</option>' in admin.get(about).text
    other = act(a_file, course_id, "g.mp4", b"g", kind="video", media_type="video/mp4")
    assert '<option selected value="0">' in admin.get(about).text
    act(enrollment.delete_file, course_id, other, by=None)
    assert "Not shown yet: choose their video under Edit" in text_of(admin.get(page).text)
    said = {"name": "en.vtt", "captions_of": str(film), "language": "en"}
    assert admin.send_form(about, **said).status_code == 303
    assert admin.send_form(about, **{**said, "captions_of": "x"}).status_code == 422
    assert admin.send_form(about, **{**said, "captions_of": "99"}).status_code == 422
    assert sql("SELECT captions_of FROM course_files WHERE kind = 'captions'") == [(film,)]
    listed = text_of(admin.get(page).text)
    assert "Captions of f.mp4" in listed
    assert "Not shown yet" not in listed


@pytest.mark.parametrize(("kind", "called"), [("video", "video"), ("audio", "audio file")])
def test_deleting_captions_names_the_chapters_that_show_their_film(
    admin: Browser, page: str, act: Act, kind: str, called: str
) -> None:
    course = int(page.split("/")[3])
    film = act(a_file, course, "f.webm", b"f", kind=kind, media_type=f"{kind}/webm")
    captions = act(a_file, course, "en.vtt", b"v", kind="captions", media_type="text/vtt")
    asked = f"{page}/{captions}/delete"
    assert "No chapter shows it." in text_of(admin.get(asked).text)
    said = {"name": "en.vtt", "captions_of": film, "language": "en"}
    act(enrollment.edit_file, course, captions, **said, by=None)
    assert f"No chapter shows its {called}, f.webm." in text_of(admin.get(asked).text)
    act(a_chapter, course, "Cells", f"![]({'file:'}{film})")
    text = text_of(admin.get(asked).text)
    assert f"This chapter shows its {called}, f.webm: Cells" in text
    assert "No chapter" not in text
    act(a_chapter, course, "Leaves", f"![]({'file:'}{film})")
    several = f"These chapters show its {called}, f.webm: Cells , Leaves"
    assert several in text_of(admin.get(asked).text)


def test_the_course_s_picture_is_called_so_where_it_is_listed_and_deleted(
    admin: Browser, page: str, act: Act
) -> None:
    course = int(page.split("/")[3])
    cover, other = act(a_file, course), act(a_file, course, "other.png", b"other")
    act(a_cover, course, cover)
    assert text_of(admin.get(page).text).count("Course picture") == 1
    told = "It is the picture of the course."
    assert told in text_of(admin.get(f"{page}/{cover}/delete").text)
    assert told not in text_of(admin.get(f"{page}/{other}/delete").text)
    act(a_chapter, course, "Cells", f"![]({'file:'}{cover})")
    assert "Course picture, Cells" in text_of(admin.get(page).text)


@pytest.mark.parametrize("number", ["9" * 23, "1000000000000", "-1", "9" * 5_000])
def test_a_number_that_no_file_can_have_is_refused_at_its_field(
    admin: Browser, page: str, sql: Sql, number: str
) -> None:
    answer = admin.send_file(page, b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n", "en.vtt")
    said = {"name": "en.vtt", "captions_of": number, "language": "en"}
    assert admin.send_form(answer.headers["Location"], **said).status_code == 422
    assert sql("SELECT captions_of FROM course_files") == [(None,)]


def test_uploads_leave_threads_to_students(
    admin: Browser, page: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    with ExitStack() as stack:
        for _ in range(turns.AT_ONCE):
            stack.enter_context(turns.turn())
        refused = admin.send_file(page, _a_picture(), "leaf.png")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert sql("SELECT * FROM course_files") == []
    assert admin.send_file(page, _a_picture(), "leaf.png").status_code == 303


def test_what_has_no_room_is_not_kept_and_the_same_again_is(
    app: Flask, admin: Browser, page: str
) -> None:
    assert admin.send_file(page, b"Words", "words.txt").status_code == 303
    app.config["LMS_FILES_GIGABYTES"] = 0
    answer = admin.send_file(page, b"Other words", "other.txt")
    assert (answer.status_code, "There's no room for this file" in text_of(answer.text)) == (
        422,
        True,
    )
    with app.app_context():
        assert len(store.digests()) == 1
    assert admin.send_file(page, b"Words", "words.txt").status_code == 303


@pytest.mark.parametrize("told", [(ENOSPC, "its disk may be full"), (EIO, "its log says why")])
def test_what_the_disk_refuses_is_told_as_it_is_and_logged(
    admin: Browser,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    told: tuple[int, str],
) -> None:
    number, words = told

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    answer = admin.send_file(page, _a_picture(), "leaf.png")
    assert (answer.status_code, words in text_of(answer.text)) == (503, True)
    said = capsys.readouterr().err  # readable or JSON, by the portal that a test before has started
    assert re.search(rf'errno"?[=:] ?{number}\b', said)


def test_deleting_a_course_says_that_its_files_go(admin: Browser, page: str, act: Act) -> None:
    asked = page.replace("/files", "/delete")
    assert "2 files" not in text_of(admin.get(asked).text)
    for name in ("one.png", "two.png"):
        act(a_file, int(page.split("/")[3]), name)
    assert "2 files" in text_of(admin.get(asked).text)


def test_the_course_s_page_leads_to_its_files(admin: Browser, page: str) -> None:
    assert f'href="{page}"' in admin.get(page.removesuffix("/files")).text
