"""Videos elsewhere: which addresses have a player, and what is said of those that have none."""

import re

import pytest

from lms.video_hosts import allowed, video_hosts
from lms.web.markdown import Surroundings, lesson
from lms.web.markdown.players import origins

ALL = "youtube.com,vimeo.com,tube.school.example"
TUBE = "https://tube.school.example"
NOCOOKIE = "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1"


def shown(text: str, hosts: str = ALL, *, is_preview: bool = False) -> str:
    return str(lesson(text, Surroundings(files=(), video_hosts=hosts, is_preview=is_preview)).html)


@pytest.mark.parametrize(
    ("address", "player"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", NOCOOKIE),
        ("https://m.youtube.com/watch?list=PL1&v=dQw4w9WgXcQ&t=1m5s", f"{NOCOOKIE}&start=65"),
        ("https://youtu.be/dQw4w9WgXcQ?t=90", f"{NOCOOKIE}&start=90"),
        ("https://youtube.com/shorts/dQw4w9WgXcQ", NOCOOKIE),
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", NOCOOKIE),
        ("http://www.youtube.com/live/dQw4w9WgXcQ?feature=share", NOCOOKIE),
        ("https://vimeo.com/76979871", "https://player.vimeo.com/video/76979871?dnt=1&autoplay=1"),
        (
            "https://vimeo.com/76979871/abc123",
            "https://player.vimeo.com/video/76979871?dnt=1&autoplay=1&h=abc123",
        ),
        (
            "https://player.vimeo.com/video/76979871?h=abc123",
            "https://player.vimeo.com/video/76979871?dnt=1&autoplay=1&h=abc123",
        ),
        (
            f"{TUBE}/w/9c9de5e8-0a1e-484a-b099-e80766180a6d",
            f"{TUBE}/videos/embed/9c9de5e8-0a1e-484a-b099-e80766180a6d?p2p=0&autoplay=1",
        ),
        (
            f"{TUBE}/videos/watch/kkGMgK9ZtnKfYAgnEtQxbv",
            f"{TUBE}/videos/embed/kkGMgK9ZtnKfYAgnEtQxbv?p2p=0&autoplay=1",
        ),
    ],
)
def test_an_address_on_a_line_of_its_own_is_a_player_to_be_pressed(
    address: str, player: str
) -> None:
    found = lesson(address, Surroundings(files=(), video_hosts=ALL))
    link = re.search(r'<a class="player-link" href="([^"]*)" data-player="([^"]*)"', found.html)
    assert link is not None, found.html
    assert [each.replace("&amp;", "&") for each in link.groups()] == [address, player]
    assert "<iframe" not in found.html
    assert found.frames == ("/".join(player.split("/")[:3]),)


@pytest.mark.parametrize(
    "typed", ["www.tube.example", "tube.example", "Bücher.example", "https://www.youtube.com/"]
)
def test_what_a_school_allows_plays_from_the_address_it_typed(typed: str) -> None:
    host = typed.removeprefix("https://").removesuffix("/").lower()
    path = "watch?v=dQw4w9WgXcQ" if "youtube" in host else "w/kkGMgK9ZtnKfYAgnEtQxbv"
    found = lesson(f"https://{host}/{path}", Surroundings(files=(), video_hosts=video_hosts(typed)))
    assert found.frames == tuple(origins(allowed(video_hosts(typed))))
    assert f'data-player="{found.frames[0]}/' in found.html


@pytest.mark.parametrize("typed", ["www.tube.example", "tube.example.www.tube.example"])
def test_a_host_is_not_allowed_because_one_like_it_is(typed: str) -> None:
    assert "data-player" not in shown(f"https://{typed}/w/kkGMgK9ZtnKfYAgnEtQxbv", "tube.example")


def test_words_for_a_video_name_its_player() -> None:
    html = shown("Watch:\n[How seeds wake](https://vimeo.com/76979871)\nAnd then?")
    assert '<span class="player-name">How seeds wake</span>' in html
    assert "From player.vimeo.com." in html
    assert "<p>Watch:</p>" in html
    assert "<p>And then?</p>" in html


@pytest.mark.parametrize("typed", ["- {}", "> {}", "1. one\n\n   {}"])
def test_players_stand_in_lists_and_quotes(typed: str) -> None:
    assert "data-player" in shown(typed.format("https://vimeo.com/76979871"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("https://www.youtube.com/@school", "doesn't lead to a single video"),
        ("https://www.youtube.com/watch?v=short", "doesn't lead to a single video"),
        ("https://vimeo.com/features", "doesn't lead to a single video"),
        (f"{TUBE}/about", "doesn't lead to a single video"),
        ("https://other.example/w/kkGMgK9ZtnKfYAgnEtQxbv", "allow players from other.example"),
        (f"{TUBE}:8443/w/kkGMgK9ZtnKfYAgnEtQxbv", "from an address with a port number"),
        ("https://youtu.be:8443/dQw4w9WgXcQ", "from an address with a port number"),
        ("https://other.example:80/w/kkGMgK9ZtnKfYAgnEtQxbv", "an address with a port"),
        ("https://www.dailymotion.com/video/x8", "no player for dailymotion.com"),
        ("https://example.org/lesson.mp4", "no player for example.org"),
        ('<iframe src="https://example.org/v"></iframe>', "an iframe"),
        ("See <iframe src='https://example.org/v'></iframe>", "an iframe"),
        ("![A map](https://example.org/map.png)", "a picture from example.org"),
        ("![A map](data:image/png;base64,AAAA)", "a picture from elsewhere"),
        ("![A map](maps/map.png)", "a picture from elsewhere"),
    ],
)
def test_what_is_not_shown_is_said_to_its_author_and_a_link_for_others(
    typed: str, said: str
) -> None:
    told = shown(typed, is_preview=True)
    assert re.search(f'<span class="unshown">Not shown: [^<]*{said}', told), told
    read = shown(typed)
    assert "unshown" not in read
    assert read.count("<a ") == ("data:" not in typed)
    for tag in ("<iframe", "<img", "data-player"):
        assert tag not in told + read


@pytest.mark.parametrize("hosts", ["none", "", "tube.school.example"])
def test_a_player_that_the_school_does_not_allow_is_a_link(hosts: str) -> None:
    assert "players from YouTube" in shown("https://youtu.be/dQw4w9WgXcQ", hosts, is_preview=True)
    assert "data-player" not in shown("https://youtu.be/dQw4w9WgXcQ", hosts)


@pytest.mark.parametrize(
    "typed",
    [
        "https://example.org/article",
        "See https://youtu.be/dQw4w9WgXcQ for more",
        "`https://youtu.be/dQw4w9WgXcQ`",
        "https://[half",
        "https://youtu.be:port/dQw4w9WgXcQ",
        "https://.example/w/kkGMgK9ZtnKfYAgnEtQxbv",
        "https://example.org:8443/article",
    ],
)
def test_other_links_are_no_videos_and_nothing_is_said(typed: str) -> None:
    html = shown(typed, is_preview=True)
    assert "unshown" not in html
    assert "data-player" not in html


@pytest.mark.parametrize(
    "typed",
    [
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil.example/watch?v=dQw4w9WgXcQ",
        "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
        "https://evil.example/#@youtube.com/watch?v=dQw4w9WgXcQ",
        "https://tube.school.example:8443@evil.example/w/kkGMgK9ZtnKfYAgnEtQxbv",
    ],
)
def test_an_address_that_only_looks_like_an_allowed_one_has_no_player(typed: str) -> None:
    assert "data-player" not in shown(typed)
