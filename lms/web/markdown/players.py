"""Addresses of videos elsewhere, and the player that each site has for being shown on a page.

Nothing of a player is loaded before it is asked for. Sources: developers.google.com/youtube for
youtube-nocookie.com, help.vimeo.com for dnt=1, docs.joinpeertube.org for embeds and p2p=0.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from markupsafe import escape

from lms.video_hosts import allowed, canonical

_NAMES = {"youtube.com": "YouTube", "vimeo.com": "Vimeo"}
_PLAYERS = {"youtube.com": "www.youtube-nocookie.com", "vimeo.com": "player.vimeo.com"}
_OTHERS = {
    *("dailymotion.com", "dai.ly", "twitch.tv", "tiktok.com", "facebook.com", "fb.watch"),
    *("loom.com", "wistia.com", "rumble.com", "bilibili.com", "drive.google.com"),
}
_MEDIA = re.compile(r"\.(mp4|m4v|mov|webm|ogv|mp3|m4a|ogg|wav)", re.IGNORECASE)
_YOUTUBE = re.compile(r"/(?:shorts|live|embed|v)/([\w-]{11})/?", re.ASCII)
_YOUTUBE_ID = re.compile(r"[\w-]{11}", re.ASCII)
_VIMEO = re.compile(
    r"/(?:video/|channels/[\w-]+/|groups/[\w-]+/videos/)?(\d+)(?:/(\w+))?/?", re.ASCII
)
_PEERTUBE = re.compile(r"/(?:w|videos/watch|videos/embed)/([\w-]{10,40})/?", re.ASCII)
_UPLOAD = "Upload the video or audio to the course's files and insert it."
_SECONDS = re.compile(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?", re.ASCII)


class Player(NamedTuple):
    """A player of a video, by the site that has both."""

    site: str
    address: str
    frame: str

    @property
    def origin(self) -> str:
        """Where the player comes from."""
        parts = urlsplit(self.frame)
        return f"{parts.scheme}://{parts.netloc}"


def player_of(address: str, video_hosts: str) -> Player | str | None:
    """Return the player for an address; why there is none; None where it need not be a video."""
    try:
        parts = urlsplit(address)
        has_port = parts.port is not None
    except ValueError:
        return None
    host = canonical(parts.hostname or "")
    frame = _frame(parts, host) if host else ""
    is_allowed = host in allowed(video_hosts)
    if (is_allowed or frame) and has_port:
        return f"videos can't be played from an address with a port number. {_UPLOAD}"
    if is_allowed and frame:
        return Player(_NAMES.get(host, host), address, frame)
    return _why_none(parts, host, is_allowed=is_allowed, is_video=bool(frame))


def origins(hosts: Iterable[str]) -> list[str]:
    """Return where the players of these hosts come from."""
    return sorted(f"https://{_PLAYERS.get(host, host)}" for host in hosts)


def offered(player: Player, words: str) -> str:
    """Return our own frame with a link to the video, which a script turns into the player."""
    where = urlsplit(player.frame).hostname
    named = escape(words) if words else f"Play the video from {escape(player.site)}"
    return (
        f'<figure class="player"><a class="player-link" href="{escape(player.address)}"'
        f' data-player="{escape(player.frame)}"><span class="player-mark"></span>'
        f'<span class="player-name">{named}</span> <span class="player-where">From {where}.'
        f" Nothing is loaded from there until you press play.</span></a></figure>\n"
    )


def _why_none(parts: SplitResult, host: str, *, is_allowed: bool, is_video: bool) -> str | None:
    site = _NAMES.get(host, host)
    if is_allowed:
        return (
            f"this address at {site} doesn't lead to a single video. Use the address of the"
            f" video's page."
        )
    if host in _NAMES or is_video:
        return (
            f"the school doesn't allow players from {site}."
            " An admin can allow them under School settings."
        )
    short = (parts.hostname or "").removeprefix("www.")
    if short in _OTHERS or _MEDIA.search(parts.path[-5:]):
        return f"there is no player for {short}. {_UPLOAD}"
    return None


def _frame(parts: SplitResult, host: str) -> str:
    if host == "youtube.com":
        return _youtube(parts)
    if host == "vimeo.com":
        return _vimeo(parts)
    found = _PEERTUBE.fullmatch(parts.path)
    return f"https://{host}/videos/embed/{found[1]}?p2p=0&autoplay=1" if found else ""


def _youtube(parts: SplitResult) -> str:
    query = parse_qs(parts.query)
    if parts.hostname == "youtu.be":
        number = parts.path.strip("/")
    elif parts.path.rstrip("/") == "/watch":
        number = query.get("v", [""])[0]
    else:
        found = _YOUTUBE.fullmatch(parts.path)
        number = found[1] if found else ""
    if not _YOUTUBE_ID.fullmatch(number):
        return ""
    begin = _seconds((query.get("t") or query.get("start") or [""])[0])
    start = f"&start={begin}" if begin else ""
    return f"https://{_PLAYERS['youtube.com']}/embed/{number}?autoplay=1{start}"


def _vimeo(parts: SplitResult) -> str:
    found = _VIMEO.fullmatch(parts.path)
    if not found:
        return ""
    key = found[2] or parse_qs(parts.query).get("h", [""])[0]
    unlisted = f"&h={key}" if re.fullmatch(r"\w+", key, re.ASCII) else ""
    return f"https://{_PLAYERS['vimeo.com']}/video/{found[1]}?dnt=1&autoplay=1{unlisted}"


def _seconds(typed: str) -> int:
    found = _SECONDS.fullmatch(typed)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return hours * 3600 + minutes * 60 + seconds
