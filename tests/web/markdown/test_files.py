"""Files of a course within its chapters."""

import pytest

from lms.web.markdown import LessonFile, Surroundings, lesson, plain_text, render

CAPTIONS = LessonFile(
    id=5,
    name="talk.vtt",
    kind="captions",
    media_type="text/vtt",
    bytes=900,
    href="/courses/1/files/5/talk.vtt",
    language="en",
)
FILES = (
    LessonFile(
        id=12,
        name="pot.png",
        kind="picture",
        media_type="image/png",
        bytes=48_000,
        href="/courses/1/files/12/pot.png",
        width=640,
        height=480,
        alt='A "red" pot',
    ),
    LessonFile(
        id=13,
        name="work <sheet>.pdf",
        kind="document",
        media_type="application/pdf",
        bytes=2_100_000,
        href="/courses/1/files/13/work%20sheet.pdf",
    ),
    LessonFile(
        id=14,
        name="talk.mp4",
        kind="video",
        media_type="video/mp4",
        bytes=250_000_000,
        href="/courses/1/files/14/talk.mp4",
        width=1280,
        height=720,
        captions=(CAPTIONS,),
    ),
    LessonFile(
        id=15,
        name="song.mp3",
        kind="audio",
        media_type="audio/mpeg",
        bytes=300,
        href="/courses/1/files/15/song.mp3",
    ),
    CAPTIONS,
)


def shown(text: str, *, is_preview: bool = False) -> str:
    return str(lesson(text, Surroundings(files=FILES, is_preview=is_preview)).html)


def test_a_picture_has_its_size_and_its_words() -> None:
    assert shown("![Two pots](file:12)") == (
        '<p><img loading="lazy" src="/courses/1/files/12/pot.png" alt="Two pots"'
        ' width="640" height="480"></p>\n'
    )
    assert 'alt="Tom &amp; <b>"' in shown("![Tom & <b>](file:12)").replace("&lt;", "<").replace(
        "&gt;", ">"
    )
    assert 'alt="A &quot;red&quot; pot"' in shown("![](file:12)")


def test_a_video_has_controls_and_its_captions() -> None:
    html = shown("![The talk](file:14)")
    assert '<video controls="" preload="metadata" src="/courses/1/files/14/talk.mp4"' in html
    assert 'width="1280" height="720" aria-label="The talk"' in html
    assert '<track kind="captions" src="/courses/1/files/5/talk.vtt" srclang="en"' in html
    assert html.count(' default=""') == 1  # else none would be shown
    assert 'download=""' in html  # for browsers that can't play it


def test_a_recording_can_be_heard() -> None:
    html = shown("![](file:15)")
    assert '<audio controls="" preload="metadata" src="/courses/1/files/15/song.mp3"' in html
    assert 'aria-label="song.mp3"' in html


def test_a_link_to_a_file_downloads_it_and_says_what_it_is() -> None:
    html = shown("[Your *worksheet*](file:13)")
    assert 'href="/courses/1/files/13/work%20sheet.pdf" download=""' in html
    assert "Your <em>worksheet</em>" in html
    assert "PDF, 2.1 MB" in html
    assert "work &lt;sheet&gt;.pdf" in shown("![](file:13)")  # what can't be shown is offered
    assert "250 MB" in shown("[Talk](file:14)")


@pytest.mark.parametrize("typed", ["![x](file:99)", "[x](file:99)", "![x](file:0)"])
def test_a_file_that_is_gone_is_said_at_its_place_and_its_author_how_to_go_on(typed: str) -> None:
    assert shown(typed).count("This file isn't in the course anymore.") == 1
    assert "Upload it again" not in shown(typed)
    assert "Upload it again" in shown(typed, is_preview=True)


def test_a_text_without_files_says_nothing_of_them() -> None:
    assert render("See ![A pot](file:12), [the sheet](file:13)") == "<p>See A pot, the sheet</p>\n"
    assert plain_text("See ![A pot](file:12)") == "See A pot"


def test_an_address_that_is_no_number_of_a_file_leads_nowhere() -> None:
    for typed in ("[x](file:///etc/passwd)", "[x](file:12a)", "[x](file:" + "9" * 30 + ")"):
        assert "/courses/" not in shown(typed)
        assert "file:" not in shown(typed)
