"""Whose players lessons may show: YouTube, Vimeo, and hosts of PeerTube that the school names."""

import re

ALIASES = {
    **dict.fromkeys(
        (
            *("youtube", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be"),
            *("youtube-nocookie.com", "www.youtube-nocookie.com"),
        ),
        "youtube.com",
    ),
    **dict.fromkeys(("vimeo", "www.vimeo.com", "player.vimeo.com"), "vimeo.com"),
}
NONE = "none"
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
"""No port, no path: what is typed becomes part of a header."""


def video_hosts(value: object) -> str:
    """Return the hosts as they are stored, or `none`; a ValueError says what they must be."""
    text = str(value).strip().lower()
    if text == NONE:
        return NONE
    return ",".join(dict.fromkeys(_host(part) for part in text.split(",")))


def allowed(stored: str) -> frozenset[str]:
    """Return the hosts of a stored setting."""
    return frozenset(stored.split(",")) - {NONE, ""}


def _host(typed: str) -> str:
    text = typed.strip()
    for beginning in ("https://", "http://"):
        text = text.removeprefix(beginning)
    text = text.removesuffix("/")
    try:
        host = text.encode("idna").decode()
    except UnicodeError:
        host = ""
    known = ALIASES.get(host, host)
    if not _HOST.fullmatch(known):
        raise ValueError("must be hosts such as youtube.com,vimeo.com, or none")
    return known
