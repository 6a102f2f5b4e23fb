"""Whose players lessons may show: YouTube, Vimeo, and hosts of PeerTube that the school names."""

import re

_ALIASES = {
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


def canonical(host: str) -> str:
    """Return a host as settings store it and lessons look for it; empty where it is none.

    Apart from YouTube's and Vimeo's, `www.` stays: it may be the only name that a server has.
    """
    try:
        name = host.lower().encode("idna").decode()
    except UnicodeError:
        return ""
    known = _ALIASES.get(name, name)
    return known if _HOST.fullmatch(known) else ""


def _host(typed: str) -> str:
    text = typed.strip()
    for beginning in ("https://", "http://"):
        text = text.removeprefix(beginning)
    host = canonical(text.removesuffix("/"))
    if not host:
        raise ValueError("must be hosts such as youtube.com,vimeo.com, or none")
    return host
