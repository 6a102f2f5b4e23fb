"""Chapters on their pages: players, what their author is told, the preview while one types."""

import pytest
from flask import Flask

from lms import enrollment
from lms.web.markdown import lesson
from tests.builders import a_chapter, a_course, a_file
from tests.conftest import Sql
from tests.web.browser import Browser
from tests.web.conftest import Act, Statements
from tests.web.pages import error_at, text_of

VIDEO = "https://youtu.be/dQw4w9WgXcQ"
NOCOOKIE = "https://www.youtube-nocookie.com"


def _policy(answer: object) -> str:
    return str(answer.headers["Content-Security-Policy"])  # type: ignore[attr-defined]


def _read(student: Browser, act: Act, body: str) -> str:
    course = act(a_course)
    act(a_chapter, course, "Watching", body)
    act(enrollment.enroll, student.user_id, course, by=None)
    return f"/student/courses/{course}"


def _allow(act: Act, hosts: str) -> None:
    act(enrollment.change_settings, {"video_hosts": hosts}, seen=0, by=None)


def test_a_page_lets_in_the_players_that_it_shows_and_no_others(student: Browser, act: Act) -> None:
    page = student.get(_read(student, act, f"Watch\n\n{VIDEO}"))
    assert _policy(page).endswith(f"; frame-src {NOCOOKIE}")
    assert f'data-frames="{NOCOOKIE}"' in page.text
    assert "<iframe" not in page.text
    plain = student.get(_read(student, act, "Read"))
    assert "frame-src" not in _policy(plain)
    assert "players.js" not in plain.text
    assert "frame-src" not in _policy(student.get("/student/courses"))


def test_whose_players_are_shown_is_the_schools_choice(student: Browser, act: Act) -> None:
    address = _read(student, act, f"{VIDEO}\n\nhttps://tube.example/w/kkGMgK9ZtnKfYAgnEtQxbv")
    _allow(act, "tube.example")
    page = student.get(address)
    assert _policy(page).endswith("; frame-src https://tube.example")
    assert page.text.count("data-player=") == 1
    assert f'<a href="{VIDEO}"' in page.text
    assert "Not shown" not in page.text


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("none", "none"),
        (" YouTube , https://www.vimeo.com/", "youtube.com,vimeo.com"),
        ("tube.example, tube.example", "tube.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("", None),
    ],
)
def test_hosts_are_stored_as_addresses_have_them(
    act: Act, sql: Sql, typed: str, stored: str | None
) -> None:
    act(enrollment.change_settings, {"video_hosts": typed, "name": "Hill"}, seen=0, by=None)
    assert sql("SELECT video_hosts FROM school_settings") == [(stored,)]


@pytest.mark.parametrize(
    "typed",
    [
        "localhost",
        "tube.example/videos",
        "tube.example:8080",
        "tube.example; script-src *",
        "*.example",
        "127.0.0.1",
        "a" * 64 + ".example",
        "youtube.com,,vimeo.com",
    ],
)
def test_what_is_no_host_is_refused_at_the_field_and_stays(admin: Browser, typed: str) -> None:
    page = admin.get("/admin/settings").text
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    answer = admin.send_form("/admin/settings", seen=seen, registration="open", video_hosts=typed)
    assert answer.status_code == 422
    assert "PeerTube hosts, separated by commas" in error_at(answer.text, "video_hosts")
    assert f'value="{typed}"' in answer.text


def test_the_setting_shows_what_counts(admin: Browser, act: Act) -> None:
    assert "Default: youtube.com, vimeo.com." in admin.get("/admin/settings").text
    _allow(act, "vimeo.com,tube.example")
    assert 'value="vimeo.com, tube.example"' in admin.get("/admin/settings").text


def test_a_text_is_previewed_as_students_will_see_it_and_its_author_told_what_is_not_shown(
    admin: Browser, act: Act, sql: Sql
) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/preview"
    typed = {"title": "", "body": "**Bold**\n\n![A map](https://example.org/map.png)"}
    answer = admin.send_form(address, **typed)
    assert answer.status_code == 200
    assert "<strong>Bold</strong>" in answer.text
    assert "Not shown: a picture from example.org." in text_of(answer.text)
    assert "<html" not in answer.text
    assert sql("SELECT id FROM chapters") == []


def test_previews_leave_what_students_read_in_the_cache(admin: Browser, act: Act) -> None:
    course = act(a_course)
    kept = lesson.cache_info()
    for number in range(3):
        address = f"/admin/courses/{course}/chapters/preview"
        admin.send_form(address, title="", body=f"Draft {number}")
    admin.get(f"/admin/courses/{course}/chapters/new")
    assert lesson.cache_info() == kept


def test_the_editor_may_show_every_player_that_the_school_allows(admin: Browser, act: Act) -> None:
    course = act(a_course)
    _allow(act, "vimeo.com,tube.example")
    page = admin.get(f"/admin/courses/{course}/chapters/new")
    assert _policy(page).endswith("; frame-src https://player.vimeo.com https://tube.example")
    act(enrollment.change_settings, {"video_hosts": "none"}, seen=None, by=None)
    assert "frame-src" not in _policy(admin.get(f"/admin/courses/{course}/chapters/new"))


@pytest.mark.parametrize("body", ["x" * 200_001, "\x00", "\ud800"])
def test_a_text_that_cannot_be_kept_is_no_preview_but_says_why(
    admin: Browser, act: Act, body: str
) -> None:
    address = f"/admin/courses/{act(a_course)}/chapters/preview"
    answer = admin.send_form(address, title="", body=body.encode("utf-8", "replace").decode())
    assert answer.status_code == (200 if body == "\ud800" else 422)
    assert 'id="preview-text"' in answer.text


def test_a_preview_is_of_a_course_that_there_is_and_for_admins_alone(
    admin: Browser, student: Browser, act: Act
) -> None:
    assert admin.send_form("/admin/courses/999/chapters/preview", body="x").status_code == 404
    address = f"/admin/courses/{act(a_course)}/chapters/preview"
    assert student.send_form(address, body="x").status_code == 403


def test_the_help_shows_each_example_as_lessons_show_it(admin: Browser, app: Flask) -> None:
    page = admin.get("/admin/writing").text
    for part in ("<math", "<table", 'class="player-link"', "Python</figcaption>", "<del>"):
        assert (part in page) == (part != "<del>")
    assert "PDF, 210 KB" in page
    assert "## Seeds and soil" in page
    assert "isn't in the course" not in page
    told = text_of(page)
    assert "![What it shows](file:14) shows a picture, or plays a video or audio file" in told
    assert "For captions, upload a WebVTT file and choose its video under Edit" in told


def test_a_chapter_shows_the_files_of_its_course_and_no_others(student: Browser, act: Act) -> None:
    other = act(a_file, act(a_course), "secret.png")
    course = act(a_course)
    picture = act(a_file, course, "pot 1.png", width=640, height=480)
    talk = act(a_file, course, "talk.mp4", b"talk", kind="video", media_type="video/mp4")
    body = f"![A pot](file:{picture})\n\n![](file:{talk})\n\n![x](file:{other})"
    act(a_chapter, course, "Watching", body)
    act(enrollment.enroll, student.user_id, course, by=None)
    page = student.get(f"/student/courses/{course}").text
    address = f"/courses/{course}/files/{picture}/pot%201.png"
    assert f'src="{address}" alt="A pot" width="640" height="480"' in page
    assert f'src="/courses/{course}/files/{talk}/talk.mp4"' in page
    assert "This file isn't in the course anymore." in text_of(page)
    assert "secret" not in page
    assert student.get(address).status_code == 200


def test_the_captions_of_a_video_come_with_it(
    student: Browser, act: Act, sql: Sql, statements: Statements
) -> None:
    course = act(a_course)
    talk = act(a_file, course, "talk.mp4", b"talk", kind="video", media_type="video/mp4")
    told = act(a_file, course, "talk.vtt", b"WEBVTT", kind="captions", media_type="text/vtt")
    sql(
        "UPDATE course_files SET captions_of = :talk, language = 'de' WHERE id = :told",
        talk=talk,
        told=told,
    )
    act(a_chapter, course, "Watching", f"![](file:{talk})")
    act(enrollment.enroll, student.user_id, course, by=None)
    address = f"/student/courses/{course}"
    page = student.get(address).text
    assert f'<track kind="captions" src="/courses/{course}/files/{told}/talk.vtt"' in page
    assert 'srclang="de"' in page

    def cost() -> int:
        with statements() as sent:
            student.get(address)
        return len(sent)

    before = cost()
    for number in range(5):
        act(a_file, course, f"{number}.png", str(number).encode())
    assert cost() == before


def test_the_editor_offers_the_files_of_the_course_line_by_line(admin: Browser, act: Act) -> None:
    course = act(a_course)
    address = f"/admin/courses/{course}/chapters/new"
    assert "This course has no pictures or files yet." in admin.get(address).text
    picture = act(a_file, course, "a.png")
    act(a_file, course, "talk [1].mp4", b"talk", kind="video", media_type="video/mp4")
    sheet = act(a_file, course, "b.pdf", b"pdf", kind="document", media_type="application/pdf")
    page = admin.get(address).text
    assert f"<code>![](file:{picture})</code>" in page
    assert "<code>![talk \\[1\\].mp4](file:" in page
    assert f"<code>[b.pdf](file:{sheet})</code>" in page
    shown = admin.send_form(
        f"/admin/courses/{course}/chapters/preview",
        title="",
        body=f"![a \\[red\\] pot](file:{picture}) ![](file:999)",
    ).text
    assert 'alt="a [red] pot"' in shown
    assert "Upload it again" in shown
